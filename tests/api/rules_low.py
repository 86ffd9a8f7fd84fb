"""The rules of transports and endpoints, of both kinds: streams and datagrams."""

from rules import (COUNT_DESTROY, FAILURE, OK, Buffer, Given, Handle, Number, Output, Size, callbacks, invalid,
                   rule, unless_null)

SET_UP = "sweep_set_up_low(fx);"
TIMEOUT = Number("1000")
SWITCH = Number("1", good="x == 0 || x == 1")
LARGE = Number("4096", good="x <= 1073741824", extra=("1073741824", "1073741825"))
CONTROL_ROOM = Number("0", good="x <= 1048576", extra=("1048576", "1048577"))
USER_DATA = Given("fx", null=OK)
DESTROY = Given("sweep_destroy", null=OK)
PACKET = Output("en_packet_t", free="en_packet_release")
FD = Output("int", always=True)
WAITS = {"wait": Given("sweep_wait"), "destroy": DESTROY, "user_data": USER_DATA}


def low(result="code", **parameters):
    return rule(result, before=SET_UP, **parameters)


def room(size=None):
    """Where what comes goes."""
    empty = invalid("capacity") if size is None else size
    return {"buffer": Buffer("fx->buffer", "capacity", empty=empty),
            "capacity": Size("sizeof(fx->buffer)", smaller=(("0", empty),))}


def data(empty=OK):
    return {"data": Buffer("fx->buffer", "size", empty=empty), "size": Size("1", smaller=(("0", empty),))}


def options(name):
    """What the options of transports and endpoints have, too."""
    mine = Given(f"fx->{name}_options")
    prefix = f"en_{name}_options_"
    return {
        prefix + "new": rule(out=Handle(f"en_{name}_options_t", f"en_{name}_options_free")),
        prefix + "set_wait": low(options=mine, **WAITS, after=COUNT_DESTROY),
        prefix + "set_retry_interval": low(
            options=mine, interval_ms=Number("100", good="x >= 1"),
            # Without it there is nothing to destroy.
            interrupted=Given("sweep_interrupted", null=invalid("interrupted")), destroy=DESTROY, user_data=USER_DATA,
            after=COUNT_DESTROY),
        prefix + "set_cancel": low(options=mine, cancel=Given("fx->cancel", null=OK)),
        prefix + "set_shutdown_timeout": low(options=mine, timeout_ms=Number("1000", good="1")),
        prefix + "set_max_datagram_size": low(options=mine, size=LARGE),
        prefix + "free": low("nothing", options=Given(f"fx->{name}_options", null=OK),
                             after=unless_null("options", f"fx->{name}_options = NULL;")),
    }


OPTIONS = {
    **options("transport"),
    "en_transport_options_set_handshake_timeout": low(
        options=Given("fx->transport_options"), timeout_ms=Number("1000", good="1")),
    "en_transport_options_set_standard_compatible": low(options=Given("fx->transport_options"), standard_compatible=SWITCH),
    **options("endpoint"),
    "en_endpoint_options_set_max_recv_size": low(options=Given("fx->endpoint_options"), size=LARGE),
    "en_endpoint_options_set_max_packet_size": low(options=Given("fx->endpoint_options"), size=Number("4096")),
    "en_endpoint_options_set_write_buffer": low(options=Given("fx->endpoint_options"), size=LARGE),
    "en_endpoint_options_set_busy_poll": low(
        options=Given("fx->endpoint_options"), microseconds=Number("50", good="x <= 1000000", extra=("1000000", "1000001"))),
    **{f"en_{family}_options_set_wait": rule(options=Given(field), **WAITS, after=COUNT_DESTROY)
       for family, field in (("tcp", "fx->options"), ("udp", "fx->udp_options"),
                             ("unix_stream", "fx->stream_options"), ("unix_datagram", "fx->datagram_options"))},
}


def transports(kind, empty):
    """What both kinds of transports have. `empty`: what sending nothing leads to beside descriptors."""
    prefix, handle = f"en_{kind}_transport_", f"en_{kind}_transport_t"
    field = f"fx->{kind}_transport"
    mine = {"transport": Given(field)}
    made = {"options": Given("fx->transport_options", null=OK)}
    out = {"out": Handle(handle, prefix + "free")}
    stapled = {"transport": Given(f"fx->{kind}_stapled", variants=((field, invalid("two halves")),))}
    fd = f"fx->{kind}_low_fd"
    functions = {
        "from_fd": low(**out, fd=Number(fd, good=f"x == {fd}", bad=FAILURE), **made,
                       after=lambda _: f"{fd} = rc == EN_OK ? -1 : {fd};"),
        "new_stapled": low(**out, receive=Given(field, variants=((f"fx->{kind}_other", invalid("two")),)),
                           send=Given(f"fx->{kind}_other", variants=((field, invalid("two")),)), **made),
        "new": low(**out, callbacks=callbacks("transport_callbacks"), **made, destroy=DESTROY, user_data=USER_DATA,
                   after=COUNT_DESTROY),
        "close": low(**mine),
        "is_closed": low("value", **mine),
        "fileno": low("descriptor", **mine),
        "get_attribute": low(
            **mine, attribute=Number("EN_ATTRIBUTE_FAMILY", good="x >= 1 && x <= 4", extra=("1", "3", "4", "5", "1000"),
                                     bad=FAILURE),
            value=Given("fx->buffer"), size=Output("size_t", room="sizeof(fx->buffer)")),
        "stapled_receive_half": low(**out, **stapled),
        "stapled_send_half": low(**out, **stapled),
        "retry": low(**mine, attempt=Given("sweep_attempt"), user_data=USER_DATA, timeout_ms=TIMEOUT,
                     left_ms=Output("int64_t", always=True)),
        "free": low("nothing", transport=Given(field, null=OK), after=unless_null("transport", f"{field} = NULL;")),
    }
    functions |= io(mine, kind == "stream", empty)
    return {prefix + name: each for name, each in functions.items()}


def io(mine, is_stream, empty):
    """Bytes in and out, in both forms: those that wait, and those that do not."""
    most = {"max_size": Number("0", good="x <= 1073741824", extra=("1", "1073741825"))} if is_stream else {}
    size = Output("size_t", always=True)
    beside = {"control_room": CONTROL_ROOM}
    ancillary = {"ancillary": Given("fx->ancillary")}
    into = room() if is_stream else room(("EN_EMSGSIZE", None))
    sent = {"sent": size} if is_stream else {}
    all_ = "send_all" if is_stream else "send"
    outgoing = {"ancillary": Given("fx->outgoing")}
    slices = {"slices": Buffer("fx->slices", "count", variants=(("(fx->slices[1].data = NULL, fx->slices)", invalid("data")),)),
              "count": Size("2", smaller=(("0", OK), ("1", OK)))}
    functions = {}
    for suffix, before, after in ("", {"timeout_ms": TIMEOUT}, {}), ("_noblock", {}, {"fd": FD}):
        functions |= {
            "recv" + suffix: low(**mine, **most, **before, packet=PACKET, **after),
            "recv_into" + suffix: low(**mine, **into, **before, size=size, **after),
            "recv_with_ancillary" + suffix: low(**mine, **most, **beside, **before, **ancillary, packet=PACKET, **after),
            "recv_with_ancillary_into" + suffix: low(**mine, **into, **beside, **before, **ancillary, size=size, **after),
            "send" + suffix: low(**mine, **data(), **before, **({"sent": Output("size_t", always=bool(suffix))} if is_stream else {}),
                                 **after),
            f"{all_}_with_ancillary" + suffix: low(**mine, **data(empty), **outgoing, **before, **sent, **after),
        }
    if is_stream:
        secure = rule(
            before="sweep_set_up_low_tls(fx);", out=Handle("en_stream_transport_t", "en_stream_transport_free"),
            transport=Given("fx->tls_plain"), config=Given("fx->tls_low_config"),
            server_name=Given('"localhost"', null=invalid("name"), variants=(('"\\xff"', invalid("server_name")),)),
            options=Given("fx->transport_options", null=OK))
        functions |= {
            "send_all": low(**mine, **data(), timeout_ms=TIMEOUT, **sent),
            "send_all_from_slices": low(**mine, **slices, timeout_ms=TIMEOUT, **sent),
            "send_from_slices_noblock": low(**mine, **slices, **sent, fd=FD),
            "send_eof": low(**mine, timeout_ms=TIMEOUT),
            "new_tls": secure,
            "new_tls_noblock": secure,
            "handshake": low(**mine, timeout_ms=TIMEOUT),
            "handshake_noblock": low(**mine, fd=FD),
            "get_tls_info": rule(
                before="sweep_set_up_low_tls(fx);\n    sweep_shake_hands_low(fx);",
                transport=Given("fx->tls_transport"), info=Handle("en_tls_info_t", "en_tls_info_free")),
        }
    else:
        functions["max_datagram_size"] = low(**mine, size=Output("size_t"))
    return functions


def endpoints(kind, twins):
    """Endpoints: those of `twins`, the rules of a client family, and what is theirs."""
    prefix, handle = f"en_{kind}_endpoint_", f"en_{kind}_endpoint_t"
    field = f"fx->{kind}_endpoint"
    mine = {"endpoint": Given(field)}
    made = low(out=Handle(handle, prefix + "free"), transport=Given(f"fx->{kind}_transport"),
               protocol=Given("fx->protocol" if kind == "stream" else "fx->datagrams"),
               options=Given("fx->endpoint_options", null=OK))
    functions = {"new": made, "new_receiver": made, "new_sender": made}
    for name, twin in twins.items():
        if "option" in name or name.startswith(("connect", "from_fd", "get_")) and name != "get_stats":
            continue
        parameters = {("endpoint" if key in ("client",) else key): value for key, value in twin.parameters.items()}
        place = Given(field, null=parameters["endpoint"].null)
        functions[name.replace("as_client", "as_client")] = rule(
            twin.result, before="\n    ".join(filter(None, [SET_UP, twin.before])), after=twin.after,
            **(parameters | {"endpoint": place}))
    functions["free"] = low("nothing", endpoint=Given(field, null=OK), after=unless_null("endpoint", f"{field} = NULL;"))
    functions["get_attribute"] = low(
        **mine, attribute=Number("EN_ATTRIBUTE_FAMILY", good="x >= 1 && x <= 4", extra=("1", "3", "4", "5", "1000"), bad=FAILURE),
        value=Given("fx->buffer"), size=Output("size_t", room="sizeof(fx->buffer)"))
    if kind == "stream":
        functions["get_tls_info"] = rule(
            before="sweep_set_up_low_tls(fx);\n    sweep_shake_hands_low(fx);\n    sweep_secure_endpoint(fx);",
            endpoint=Given("fx->stream_endpoint"), info=Handle("en_tls_info_t", "en_tls_info_free"))
    return {prefix + name: each for name, each in functions.items()}


def low_rules(functions, stream, datagram):
    """All of them; `stream` and `datagram` are the rules of the Unix clients by the ends of their names."""
    rules = dict(OPTIONS)
    rules |= transports("stream", invalid("byte")) | transports("datagram", invalid("byte"))
    rules |= endpoints("stream", stream) | endpoints("datagram", datagram)
    return {name: each for name, each in rules.items() if name in functions}


