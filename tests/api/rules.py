"""What the functions of the header take: for each a rule, and in it something for each parameter.

A rule names its parameters as the header does. Valid arguments come from the fixture `fx` of
sweep.h. A parameter says what NULL or garbage in its place must lead to.
"""

from dataclasses import dataclass, field

OK, ANY, FAILURE = "ok", "any", "failure"


def invalid(name=None):
    """EN_EINVAL, with a message that has this word in it."""
    return ("EN_EINVAL", name)


@dataclass
class Given:
    """A pointer (or callback) that the function reads."""
    valid: str
    null: object = None  # what NULL leads to; EN_EINVAL that names the parameter, if not given
    variants: tuple = ()  # further (argument, expectation)


@dataclass
class Buffer:
    """A pointer to as many bytes or items as the parameter `size` says."""
    valid: str
    size: str
    empty: object = OK  # what (NULL, 0) leads to
    variants: tuple = ()


@dataclass
class Output:
    """A pointer that the function writes through: always, or only on success."""
    type: str
    always: bool = False
    free: str = None  # what ends the thing written, called on success
    room: str = None  # if it is read, too: what stands there before the call


@dataclass
class Handle:
    """A pointer that a new handle is written through: NULL unless the call succeeds."""
    type: str
    free: str


@dataclass
class Number:
    """An integer. `good` are conditions on x for which the call must succeed and others fail."""
    valid: str
    good: str = None  # in C, such as "x >= 1"; None: any value may do
    extra: tuple = ()  # further values
    bad: object = ("EN_EINVAL", None)


@dataclass
class Size:
    """The size of a Buffer: what a pointer that is not NULL really has, or less."""
    valid: str
    smaller: tuple = ()  # (value, expectation) with the valid pointer


@dataclass
class Rule:
    """`result`: code; value (a number or a code); descriptor (-1 for NULL); truth (0 or 1); text;
    pointer (never NULL); same (NULL for NULL only); anything; nothing."""
    parameters: dict = field(default_factory=dict)
    result: str = "code"
    before: str = ""  # statements in front of the call
    after: object = None  # given the arguments by name, answers statements that follow; `rc` is the result
    in_encode: bool = False  # a call that only an encode callback may make


def rule(result="code", *, before="", after=None, in_encode=False, **parameters):
    return Rule(parameters, result, before, after, in_encode)


# What comes again and again.
def client(valid="fx->client", **how):
    return Given(valid, **how)


VIEW = "en_tcp_client_as_client(fx->client)"
TIMEOUT = Number("1000")
MAX_SIZE = Number("0")
OPTION = Number("EN_OPTION_NODELAY", good="x >= 1 && x <= 11", extra=tuple(map(str, range(2, 13))))


def unless_null(name, statements):
    """Statements for an argument that was given."""
    return lambda arguments: statements if arguments[name] != "NULL" else ""


COUNT_DESTROY = unless_null("destroy", "fx->registered += rc == EN_OK;")


def text_out():
    return {"text": Given("(char *)fx->buffer"), "size": Output("size_t", room="sizeof(fx->buffer)")}


def new(**parameters):
    return rule(out=Handle("en_stream_protocol_t", "en_stream_protocol_free"), **parameters)


def frees(field_name):
    return rule("nothing", **{field_name: Given(f"fx->{field_name}", null=OK)},
                after=unless_null(field_name, f"fx->{field_name} = NULL;"))


def sends(valid):
    return rule(client=client(valid), data=Buffer("fx->buffer", "size"),
                size=Size("1", smaller=(("0", OK),)), timeout_ms=TIMEOUT, before="memset(fx->buffer, 'x', BUFFER_SIZE);")


def receives(valid):
    return rule(client=client(valid), timeout_ms=TIMEOUT, packet=Output("en_packet_t", free="en_packet_release"))


def iterates(valid):
    return rule(out=Handle("en_packet_iter_t", "en_packet_iter_free"), client=client(valid), timeout_ms=TIMEOUT)


def sets(**parameters):
    return rule(options=Given("fx->options"), **parameters)


CALLBACKS_SIZE = tuple(
    (f"(fx->{{0}}.struct_size = {size}, &fx->{{0}})", invalid("struct_size")) for size in ("0", "1", "sizeof(size_t) + 1"))


def callbacks(name, *needed):
    variants = [(argument.format(name), expectation) for argument, expectation in CALLBACKS_SIZE]
    variants += [(f"(fx->{name}.{entry} = NULL, &fx->{name})", invalid(entry)) for entry in needed]
    variants += [(f"(fx->{name}.struct_size = sizeof(size_t), &fx->{name})", invalid())]
    return Given(f"&fx->{name}", variants=tuple(variants))


HOST = Given('"127.0.0.1"', variants=(('""', FAILURE), ('"\\xff"', invalid("host")), ('"not numeric."', FAILURE)))

RULES = {
    "en_version_number": rule("anything"),
    "en_version_string": rule("text"),
    "en_features": rule("anything"),
    "en_strerror": rule("text", code=Number("EN_EINVAL")),
    "en_error_name": rule("text", code=Number("EN_EINVAL")),
    "en_error_is_connection": rule("truth", code=Number("EN_EINVAL")),
    "en_last_error_message": rule("pointer"),
    "en_set_error_message": rule(
        "nothing", message=Given('"why"', null=OK, variants=(('""', OK), ('"\\xff"', OK))),
        after=lambda _: "en_set_error_message(NULL);"),
    "en_set_log_callback": rule(
        level=Number("EN_LOG_WARN", good="x >= 0 && x <= 5"), callback=Given("sweep_log", null=OK),
        user_data=Given("fx", null=OK), after=lambda _: "en_set_log_callback(EN_LOG_OFF, NULL, NULL);"),
    "en_packet_release": rule("nothing", packet=Given("&fx->packet", null=OK),
                              after=unless_null("packet", "CHECK(fx->packet.data == NULL && fx->packet.size == 0);")),
    "en_packets_release": rule("nothing", packets=Given("&fx->packet", null=OK), count=Size("1", smaller=(("0", OK),)),
                               after=lambda arguments: "" if "NULL" in arguments["packets"] else
                               f"CHECK((fx->packet.owner == NULL) == ({arguments['count']} > 0));"),
    "en_packet_retain": rule(packet=Given("&fx->packet", variants=(("(en_packet_release(&fx->packet), &fx->packet)", invalid("released")),)),
                             copy=Output("en_packet_t", free="en_packet_release")),

    "en_address_new": rule(out=Handle("en_address_t", "en_address_free"), host=HOST, port=Number("fx->port")),
    "en_address_from_sockaddr": rule(
        out=Handle("en_address_t", "en_address_free"), sockaddr=Buffer("&fx->sockaddr", "size", empty=invalid()),
        size=Size("fx->sockaddr_size", smaller=(("0", invalid()), ("1", invalid()), ("15", invalid())))),
    "en_address_to_sockaddr": rule(
        address=Given("fx->address"), sockaddr=Given("fx->buffer"),
        size=Output("size_t", room="sizeof(fx->buffer)")),
    "en_address_to_text": rule(address=Given("fx->address"), **text_out()),
    "en_address_host": rule(address=Given("fx->address"), **text_out()),
    "en_address_family": rule("value", address=Given("fx->address")),
    "en_address_port": rule("value", address=Given("fx->address")),
    "en_address_flow_info": rule(address=Given("fx->address"), flow_info=Output("uint32_t")),
    "en_address_scope_id": rule(address=Given("fx->address"), scope_id=Output("uint32_t")),
    "en_address_equal": rule("value", one=Given("fx->address"), other=Given("fx->other_address")),
    "en_address_free": frees("address"),

    "en_cancel_new": rule(out=Handle("en_cancel_t", "en_cancel_free")),
    "en_cancel_trigger": rule(cancel=Given("fx->cancel")),
    "en_cancel_reset": rule(cancel=Given("fx->cancel")),
    "en_cancel_is_triggered": rule("value", cancel=Given("fx->cancel")),
    "en_cancel_fd": rule("value", cancel=Given("fx->cancel")),
    "en_cancel_free": frees("cancel"),

    "en_stream_protocol_new_line": new(newline=Number("EN_NEWLINE_LF", good="x >= 0 && x <= 3"),
                                       max_packet_size=MAX_SIZE),
    "en_stream_protocol_new_delimited": new(
        delimiter=Buffer('"\\r\\n"', "delimiter_size", empty=invalid()),
        delimiter_size=Size("2", smaller=(("0", invalid()), ("1", OK))), max_packet_size=MAX_SIZE),
    "en_stream_protocol_new_length_prefixed": new(
        length=Number("EN_LENGTH_U16", good="x == 0 || x == 1 || x == 2 || x == 4 || x == 8", extra=("2", "3", "4", "8", "16")),
        byte_order=Number("EN_BIG_ENDIAN", good="x == 0 || x == 1", extra=("2",)), includes_length=Number("0", good="1"),
        max_packet_size=MAX_SIZE),
    "en_stream_protocol_new_fixed": new(packet_size=Number("8", extra=("SIZE_MAX - 1",))),
    "en_stream_protocol_new_json": new(max_packet_size=MAX_SIZE),
    "en_stream_protocol_new_raw": new(max_packet_size=MAX_SIZE),
    "en_stream_protocol_free": frees("protocol"),
    "en_frame_append": rule(frame=Given("fx->frame"), data=Buffer('"x"', "size"),
                            size=Size("1", smaller=(("0", OK),)), in_encode=True),
    "en_frame_append_borrowed": rule(frame=Given("fx->frame"), data=Buffer('"x"', "size"),
                                     size=Size("1", smaller=(("0", OK),)), in_encode=True),
    "en_stream_protocol_new": new(
        callbacks=callbacks("callbacks", "encode", "decode"), max_packet_size=MAX_SIZE,
        destroy=Given("sweep_destroy", null=OK), user_data=Given("fx", null=OK), after=COUNT_DESTROY),
    "en_stream_protocol_new_buffered": new(
        callbacks=callbacks("buffered_callbacks", "encode", "lend", "decode"),
        destroy=Given("sweep_destroy", null=OK), user_data=Given("fx", null=OK), after=COUNT_DESTROY),

    "en_client_send_packet": sends(VIEW),
    "en_client_recv_packet": receives(VIEW),
    "en_client_iter_received_packets": iterates(VIEW),
    "en_client_close": rule(client=client(VIEW)),
    "en_client_is_closed": rule("value", client=client(VIEW)),
    "en_client_fileno": rule("descriptor", client=client(VIEW)),
    "en_packet_iter_next": rule(iter=Given("fx->iter"), packet=Output("en_packet_t", free="en_packet_release")),
    "en_packet_iter_free": frees("iter"),

    "en_tcp_options_new": rule(out=Handle("en_tcp_options_t", "en_tcp_options_free")),
    "en_tcp_options_set_local_address": sets(
        host=Given('"127.0.0.1"', null=OK, variants=(('"\\xff"', invalid("host")),)), port=Number("0", good="1")),
    "en_tcp_options_set_connect_timeout": sets(timeout_ms=Number("1000", good="1")),
    "en_tcp_options_set_happy_eyeballs_delay": sets(delay_ms=Number("250", good="1")),
    "en_tcp_options_set_max_recv_size": sets(
        size=Number("4096", good="x <= 1073741824", extra=("1073741824", "1073741825"))),
    "en_tcp_options_set_max_packet_size": sets(size=Number("4096")),
    "en_tcp_options_set_write_buffer": sets(
        size=Number("4096", good="x <= 1073741824", extra=("1073741824", "1073741825"))),
    "en_tcp_options_set_shutdown_timeout": sets(timeout_ms=Number("1000", good="1")),
    "en_tcp_options_set_busy_poll": sets(
        microseconds=Number("50", good="x <= 1000000", extra=("1000000", "1000001"))),
    "en_tcp_options_set_keepalive": sets(
        idle_s=Number("60", good="x <= 32767", extra=("32767", "32768")),
        interval_s=Number("60", good="x <= 32767", extra=("32767", "32768")),
        count=Number("9", good="x <= 127", extra=("127", "128"))),
    "en_tcp_options_set_user_timeout": sets(timeout_ms=Number("1000", good="x <= 2147483647", extra=("2147483648",))),
    "en_tcp_options_set_cancel": sets(cancel=Given("fx->cancel", null=OK)),
    "en_tcp_options_set_retry_interval": sets(
        interval_ms=Number("100", good="x >= 1"), interrupted=Given("sweep_interrupted"),
        destroy=Given("sweep_destroy", null=OK), user_data=Given("fx", null=OK), after=COUNT_DESTROY),
    "en_tcp_options_free": frees("options"),

    "en_tcp_client_connect": rule(
        out=Handle("en_tcp_client_t", "en_tcp_client_free"), host=Given('"127.0.0.1"', variants=(('""', FAILURE), ('"\\xff"', invalid("host")))),
        port=Number("fx->port"), protocol=Given("fx->protocol"), options=Given("fx->options", null=OK)),
    "en_tcp_client_connect_addresses": rule(
        out=Handle("en_tcp_client_t", "en_tcp_client_free"),
        addresses=Buffer("fx->addresses", "count", empty=invalid("address"),
                         variants=(("(fx->addresses[1] = NULL, fx->addresses)", invalid("address")),)),
        count=Size("2", smaller=(("0", invalid("address")), ("1", OK))),
        protocol=Given("fx->protocol"), options=Given("fx->options", null=OK)),
    "en_tcp_client_from_fd": rule(
        out=Handle("en_tcp_client_t", "en_tcp_client_free"), fd=Number("fx->fd", good="x == fx->fd", bad=FAILURE),
        protocol=Given("fx->protocol"), options=Given("fx->options", null=OK),
        after=lambda _: "fx->fd = rc == EN_OK ? -1 : fx->fd;"),
    "en_tcp_client_as_client": rule("same", client=client(null=OK)),
    "en_tcp_client_send_packet": sends("fx->client"),
    "en_tcp_client_send_packet_slices": rule(
        client=client(),
        parts=Buffer("fx->slices", "count", variants=(("(fx->slices[1].data = NULL, fx->slices)", invalid("data")),)),
        count=Size("2", smaller=(("0", OK), ("1", OK))), timeout_ms=TIMEOUT),
    "en_tcp_client_send_packets": rule(
        client=client(),
        packets=Buffer("fx->slices", "count", variants=(("(fx->slices[0].data = NULL, fx->slices)", invalid("data")),)),
        count=Size("2", smaller=(("0", OK), ("1", OK))), timeout_ms=TIMEOUT, sent=Output("size_t", always=True)),
    "en_tcp_client_flush": rule(client=client(), timeout_ms=TIMEOUT),
    "en_tcp_client_send_eof": rule(client=client(), timeout_ms=TIMEOUT),
    "en_tcp_client_recv_packet": receives("fx->client"),
    "en_tcp_client_recv_packet_into": rule(
        client=client(), buffer=Buffer("fx->buffer", "capacity", empty=("EN_EMSGSIZE", None)),
        capacity=Size("sizeof(fx->buffer)", smaller=(("0", ("EN_EMSGSIZE", None)), ("1", OK))), timeout_ms=TIMEOUT,
        size=Output("size_t", always=True)),
    "en_tcp_client_recv_packets": rule(
        client=client(), packets=Buffer("received", "capacity", empty=invalid("packets")),
        capacity=Size("2", smaller=(("0", invalid("capacity")), ("1", OK))), timeout_ms=TIMEOUT,
        count=Output("size_t", always=True),
        before="en_packet_t received[2];\n    memset(received, 0, sizeof(received));",
        after=unless_null("count", "while (count > 0)\n        en_packet_release(&received[--count]);")),
    "en_tcp_client_iter_received_packets": iterates("fx->client"),
    "en_tcp_client_has_buffered": rule("value", client=client()),
    "en_tcp_client_close": rule(client=client()),
    "en_tcp_client_abort": rule(client=client()),
    "en_tcp_client_is_closed": rule("value", client=client()),
    "en_tcp_client_free": frees("client"),
    "en_tcp_client_get_local_address": rule(client=client(), address=Handle("en_address_t", "en_address_free")),
    "en_tcp_client_get_remote_address": rule(client=client(), address=Handle("en_address_t", "en_address_free")),
    "en_tcp_client_fileno": rule("descriptor", client=client()),
    "en_tcp_client_getsockopt": rule(
        client=client(), level=Number("SOL_SOCKET"), name=Number("SO_KEEPALIVE"), value=Given("fx->buffer"),
        size=Output("size_t", room="sizeof(fx->buffer)")),
    "en_tcp_client_setsockopt": rule(
        client=client(), level=Number("SOL_SOCKET"), name=Number("SO_KEEPALIVE"),
        value=Buffer("fx->buffer", "size", empty=FAILURE),
        size=Size("sizeof(int)", smaller=(("0", FAILURE), ("1", FAILURE)))),
    "en_tcp_client_get_option": rule(
        client=client(), option=OPTION,
        value=Output("int64_t")),
    "en_tcp_client_set_option": rule(
        client=client(), option=OPTION,
        value=Number("1", good="x == 0 || x == 1", extra=("2",))),
    "en_tcp_client_max_recv_size": rule(client=client(), size=Output("size_t")),
    "en_tcp_client_get_stats": rule(
        client=client(), stats=Given("(stats.struct_size = sizeof(stats), &stats)",
                                     variants=(("(stats.struct_size = 0, &stats)", invalid("struct_size")),
                                               ("(stats.struct_size = 1, &stats)", invalid("struct_size")),
                                               ("(stats.struct_size = sizeof(size_t), &stats)", OK))),
        before="en_stats_t stats;\n    memset(&stats, 0, sizeof(stats));"),
}
