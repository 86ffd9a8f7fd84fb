"""The rules of TLS options and configurations."""

from rules import ANY, FAILURE, OK, Buffer, Given, Handle, Number, Output, Size, invalid, rule, unless_null

SWITCH = Number("1", good="x == 0 || x == 1")


def name(*variants):
    return Given('"localhost"', null=OK, variants=(('"a b"', invalid("a b")), ('"\\xff"', invalid("name")), *variants))


def sets(**parameters):
    return rule(options=Given("fx->tls_options"), **parameters)


def path():
    return Given("fx->pem_path", variants=(('"/nowhere/x"', ("EN_ENOENT", "/nowhere/x")), ('""', FAILURE), ('"/"', invalid("file"))))


def pem(name, size):
    return {name: Buffer("fx->pem", size, empty=invalid(name)),
            size: Size("fx->pem_size", smaller=(("0", invalid(name)), ("1", invalid(name)), ("100", invalid(name))))}


def from_file_and_memory(name):
    """What takes PEM from a file or from memory."""
    return {f"en_tls_options_{name}_file": sets(path=path()), f"en_tls_options_{name}_pem": sets(**pem("data", "size"))}


def new(options, null):
    return rule(out=Handle("en_tls_config_t", "en_tls_config_free"), options=Given(options, null=null))


def frees(parameter, field):
    return rule("nothing", **{parameter: Given(f"fx->{field}", null=OK)}, after=unless_null(parameter, f"fx->{field} = NULL;"))


def shaken(result="code", **parameters):
    """What needs a connection that speaks TLS."""
    return rule(result, before="sweep_shake_hands(fx);", **parameters)


def lent():
    return {"data": Output("const void *"), "size": Output("size_t")}


TLS = {
    "en_tls_options_new": rule(out=Handle("en_tls_options_t", "en_tls_options_free")),
    **from_file_and_memory("add_ca"),
    **from_file_and_memory("add_extra_roots"),
    **from_file_and_memory("add_pinned_certificate"),
    **from_file_and_memory("add_crl"),
    "en_tls_options_add_pinned_public_key_sha256": sets(
        digest=Buffer("fx->buffer", "size", empty=invalid("digest")),
        size=Size("32", smaller=(("0", invalid("digest")), ("31", invalid("digest"))))),
    "en_tls_options_set_identity_files": sets(chain_path=path(), key_path=path()),
    "en_tls_options_set_identity_pem": sets(**pem("chain", "chain_size"), **pem("key", "key_size")),
    "en_tls_options_add_alpn": sets(
        protocol=Buffer('"h2"', "size", empty=invalid("protocol")), size=Size("2", smaller=(("0", invalid("protocol")), ("1", OK)))),
    "en_tls_options_set_versions": sets(
        least=Number("EN_TLS_1_2", good="x == EN_TLS_1_2 || x == EN_TLS_1_3", extra=("EN_TLS_1_3",)),
        most=Number("EN_TLS_1_3", good="x == EN_TLS_1_2 || x == EN_TLS_1_3", extra=("EN_TLS_1_2",))),
    "en_tls_options_set_sni": sets(name=name(('"::1"', invalid("::1")), ('""', OK))),
    "en_tls_options_set_verified_name": sets(name=name(('"::1"', OK), ('""', invalid("name")))),
    "en_tls_options_set_dangerous_no_name_check": sets(no_name_check=SWITCH),
    "en_tls_options_set_dangerous_no_verification": sets(no_verification=SWITCH),
    "en_tls_options_set_unknown_revocation": sets(unknown_revocation=SWITCH),
    "en_tls_options_set_session_cache": sets(peers=Number("16", good="x <= 1048576", extra=("1048576", "1048577"))),
    "en_tls_options_set_key_log": sets(key_log=SWITCH),
    "en_tls_options_set_client_auth": sets(client_auth=Number("1", good="x >= 0 && x <= 2", extra=("2", "3"))),
    "en_tls_options_free": frees("options", "tls_options"),
    # Not every machine has trusted certificates.
    "en_tls_config_new_client": new("fx->tls_options", null=ANY),
    "en_tls_config_new_server": new("fx->tls_server_options", null=invalid("certificate")),
    "en_tls_config_free": frees("config", "tls_config"),
    "en_tcp_options_set_tls": rule(
        options=Given("fx->options"), config=Given("fx->tls_config", null=OK),
        server_name=Given('"localhost"', null=OK, variants=(('""', OK), ('"\\xff"', invalid("server_name"))))),
    "en_tcp_options_set_handshake_timeout": rule(options=Given("fx->options"), timeout_ms=Number("1000", good="1")),
    "en_tcp_options_set_standard_compatible": rule(options=Given("fx->options"), standard_compatible=SWITCH),

    "en_tcp_client_get_tls_info": shaken(client=Given("fx->secure"), info=Handle("en_tls_info_t", "en_tls_info_free")),
    "en_tls_info_version": shaken("value", info=Given("fx->tls_info")),
    "en_tls_info_cipher_suite": shaken("same", info=Given("fx->tls_info")),
    "en_tls_info_alpn": shaken(info=Given("fx->tls_info"), **lent()),
    "en_tls_info_peer_certificate": shaken(
        info=Given("fx->tls_info"), index=Number("0", good="x == 0", extra=("1",), bad=("EN_ENODATA", None)), **lent()),
    "en_tls_info_verified_name": shaken("anything", info=Given("fx->tls_info")),
    "en_tls_info_is_resumed": shaken("value", info=Given("fx->tls_info")),
    "en_tls_info_free": shaken("nothing", info=Given("fx->tls_info", null=OK),
                               after=unless_null("info", "fx->tls_info = NULL;")),
}
