/*
 * easynet in GLib's main loop, and so in every program made with GTK: `easynet_source_new`, to be
 * lifted out, and a hundred connections to show it at work.
 *
 *     glib_loop PLACE...
 *
 * What a PLACE is says traffic.h; tcp:127.0.0.1:PORT of echo_server is one.
 */
#include "traffic.h"

#include <glib.h>

/* ---- The loop as a GSource ---- */

typedef struct {
    GSource source;
    en_loop_t *loop;
} easynet_source_t;

/* GLib has found the descriptor readable. */
static gboolean easynet_source_dispatch(GSource *source, GSourceFunc callback, gpointer user_data)
{
    (void)callback;
    (void)user_data;
    if (en_loop_run_once(((easynet_source_t *)source)->loop, 0) == EN_OK)
        return G_SOURCE_CONTINUE;
    g_warning("easynet: %s", en_last_error_message());
    return G_SOURCE_REMOVE;
}

/* A source that runs `loop` whenever it has something to do; NULL if that cannot be. The loop stays
 * the caller's: free it after the source is destroyed. */
static GSource *easynet_source_new(en_loop_t *loop)
{
    static GSourceFuncs functions = {NULL, NULL, easynet_source_dispatch, NULL, NULL, NULL};
    int fd = en_loop_fd(loop);
    GSource *source;

    if (fd < 0)
        return NULL;
    source = g_source_new(&functions, sizeof(easynet_source_t));
    ((easynet_source_t *)source)->loop = loop;
    g_source_add_unix_fd(source, fd, G_IO_IN);
    return source;
}

/* ---- The program ---- */

static void quit(void *main_loop)
{
    g_main_loop_quit(main_loop);
}

static gboolean count(gpointer ticks)
{
    ++*(int *)ticks;
    return G_SOURCE_CONTINUE;
}

static int run(en_loop_t *loop, char **places)
{
    static traffic_t traffic;
    GMainLoop *main_loop = g_main_loop_new(NULL, FALSE);
    GSource *source = easynet_source_new(loop);
    int ticks = 0;
    guint timer = g_timeout_add(100, count, &ticks);

    if (source == NULL) {
        fprintf(stderr, "glib_loop: %s\n", en_last_error_message());
        return 1;
    }
    g_source_attach(source, NULL);
    if (traffic_start(&traffic, loop, places, quit, main_loop) == EN_OK)
        g_main_loop_run(main_loop);
    g_source_remove(timer);
    g_source_destroy(source);
    g_source_unref(source);
    g_main_loop_unref(main_loop);
    printf("the main loop has ticked %d times meanwhile\n", ticks);
    return traffic_end(&traffic);
}

int main(int argc, char **argv)
{
    en_loop_t *loop;
    int status;

    if (argc < 2) {
        fprintf(stderr, "usage: glib_loop PLACE...\n");
        return 2;
    }
    if (en_loop_new(&loop) < 0) {
        fprintf(stderr, "glib_loop: %s\n", en_last_error_message());
        return 1;
    }
    status = run(loop, argv + 1);
    en_loop_free(loop);
    return status;
}
