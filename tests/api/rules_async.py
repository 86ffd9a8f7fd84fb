"""The rules of the event loop and of the clients on it."""

from rules import FAILURE, OK, OPTION, Buffer, Given, Handle, Number, Output, Size, invalid, rule, unless_null

SET_UP = "sweep_set_up_async(fx);"
TIMEOUT = Number("1000")
USER_DATA = Given("fx", null=OK)
OPERATION = Given("&fx->operation", null=OK)
# One that waits has something to wake it.
AWAKE = SET_UP + "\n    en_loop_post(fx->loop, sweep_async_done, fx);\n    en_loop_stop(fx->loop);"


def on_loop(result="code", before=SET_UP, **parameters):
    return rule(result, before=before, **parameters)


def operation(client, callback="done", *, needed=False, **parameters):
    target = Given(f"sweep_async_{callback}") if needed else Given(f"sweep_async_{callback}", null=OK)
    return on_loop(client=client, **parameters, callback=target, user_data=USER_DATA, operation=OPERATION)


LOOP = {
    "en_loop_new": rule(out=Handle("en_loop_t", "en_loop_free")),
    "en_loop_run": on_loop(before=AWAKE, loop=Given("fx->loop")),
    "en_loop_run_once": on_loop(before=AWAKE, loop=Given("fx->loop"), timeout_ms=Number("0")),
    "en_loop_set_busy_poll": on_loop(
        loop=Given("fx->loop"), microseconds=Number("50", good="x <= 1000000", extra=("1000000", "1000001"))),
    "en_loop_stop": on_loop(loop=Given("fx->loop")),
    "en_loop_post": on_loop(loop=Given("fx->loop"), callback=Given("sweep_async_done"), user_data=USER_DATA),
    "en_loop_fd": on_loop("value", loop=Given("fx->loop")),
    "en_loop_next_timeout": on_loop(loop=Given("fx->loop"), timeout_ms=Output("int64_t")),
    "en_loop_start_timer": on_loop(
        loop=Given("fx->loop"), delay_ms=Number("10", good="x >= 0"), interval_ms=Number("10", good="x >= 0"),
        callback=Given("sweep_async_done"), user_data=USER_DATA, operation=OPERATION),
    "en_loop_start_watch": on_loop(
        loop=Given("fx->loop"), fd=Number("fx->fd"),
        interest=Number("1", good="x >= 1 && x <= 3", extra=("3", "4")),
        callback=Given("sweep_async_done"), user_data=USER_DATA, operation=OPERATION),
    "en_loop_cancel": on_loop(loop=Given("fx->loop"), operation=Number("0")),
    "en_loop_free": on_loop("nothing", loop=Given("fx->loop", null=OK),
                            after=unless_null("loop", "fx->loop = NULL;")),
}


def operations(client):
    """What the view has, too."""
    data = {"data": Buffer("fx->buffer", "size"), "size": Size("1", smaller=(("0", OK),))}
    return {
        "send_packet": operation(client, **data, timeout_ms=TIMEOUT),
        "recv_packet": operation(client, "received", needed=True, timeout_ms=TIMEOUT),
        "iter_received_packets": operation(client, "receive", needed=True, timeout_ms=TIMEOUT),
        "close": operation(client, timeout_ms=TIMEOUT),
        "is_closing": on_loop("value", client=client),
        "fileno": on_loop("descriptor", client=client),
    }


def beside(on):
    """Packets with ancillary data, which is the caller's until the operation is over."""
    return {
        "send_packet_with_ancillary": on_loop(
            **on, data=Buffer("fx->buffer", "size"), size=Size("1", smaller=(("0", OK),)),
            ancillary=Given("fx->outgoing"), timeout_ms=TIMEOUT, callback=Given("sweep_async_done", null=OK),
            user_data=USER_DATA, operation=OPERATION),
        "recv_packet_with_ancillary": on_loop(
            **on, control_room=Number("0", good="x <= 1048576", extra=("1048576", "1048577")), timeout_ms=TIMEOUT,
            ancillary=Given("fx->ancillary"), callback=Given("sweep_async_received"), user_data=USER_DATA,
            operation=OPERATION),
    }


def endpoint(kind, protocol, functions):
    """An endpoint on a loop: what the Unix client of its kind has, and how it is made."""
    prefix, handle = f"en_async_{kind}_endpoint_", f"en_async_{kind}_endpoint_t"
    field = f"fx->async_{kind}_endpoint"
    set_up = SET_UP + "\n    sweep_set_up_low(fx);\n    sweep_set_up_async_endpoints(fx);"
    made = rule(before=set_up, out=Handle(handle, prefix + "free"), loop=Given("fx->loop"),
                transport=Given(f"fx->{kind}_transport"), protocol=Given(protocol),
                options=Given("fx->endpoint_options", null=OK))
    twin = f"en_async_unix_{kind}_client_"
    kept = ("as_async_client", "send_packet", "send_packet_slices", "send_packets", "send_packet_with_ancillary", "send_eof", "flush",
            "recv_packet", "recv_packets", "max_recv_size", "send_queue_size", "recv_packet_with_ancillary", "recv_start", "recv_stop", "iter_received_packets", "close",
            "is_closing", "loop", "fileno", "get_stats", "free") + (("wait_connected",) if kind == "stream" else ())
    mine = {"new": made, "new_receiver": made, "new_sender": made}
    for name in kept:
        if twin + name in functions:
            each = functions[twin + name]
            parameters = {"endpoint" if key == "client" else key: value for key, value in each.parameters.items()}
            parameters["endpoint"] = Given(field, null=parameters["endpoint"].null)
            mine[name] = rule(each.result, before=set_up, after=each.after, **parameters)
    mine["free"].after = unless_null("endpoint", f"{field} = NULL;")
    mine["get_attribute"] = rule(
        before=set_up, endpoint=Given(field),
        attribute=Number("EN_ATTRIBUTE_FAMILY", good="x >= 1 && x <= 4", extra=("1", "3", "4", "5", "1000"), bad=FAILURE),
        value=Given("fx->buffer"), size=Output("size_t", room="sizeof(fx->buffer)"))
    if kind == "stream":
        mine["get_tls_info"] = rule(
            before=SET_UP + "\n    sweep_set_up_low_tls(fx);\n    sweep_shake_hands_low(fx);\n    sweep_secure_async_endpoint(fx);",
            endpoint=Given(field), info=Handle("en_tls_info_t", "en_tls_info_free"))
    return {prefix + name: each for name, each in mine.items()}


def family(name, protocol, options, fd, peer, address):
    """One family: how it is made, and what it has."""
    prefix, handle = f"en_async_{name}_client_", f"en_async_{name}_client_t"
    client = Given(f"fx->async_{name}")
    made = {"protocol": Given(protocol), "options": Given(options, null=OK)}
    out = {"out": Handle(handle, prefix + "free"), "loop": Given("fx->loop")}
    slices = {"count": Size("2", smaller=(("0", OK), ("1", OK)))}
    second = (("(fx->slices[1].data = NULL, fx->slices)", invalid("data")),)
    functions = {
        **operations(client),
        "new": on_loop(**out, **peer, **made),
        "from_fd": on_loop(**out, fd=Number(fd, good=f"x == {fd}", bad=FAILURE), **made,
                           after=lambda _: f"{fd} = rc == EN_OK ? -1 : {fd};"),
        "as_async_client": on_loop("same", client=Given(f"fx->async_{name}", null=OK)),
        "wait_connected": operation(client, timeout_ms=TIMEOUT),
        "send_packet_slices": operation(client, parts=Buffer("fx->slices", "count", variants=second), **slices,
                                        timeout_ms=TIMEOUT),
        "send_packets": operation(client, "sent", packets=Buffer("fx->slices", "count", variants=second), **slices,
                                  timeout_ms=TIMEOUT),
        "recv_start": operation(client, "receive", needed=True),
        "recv_packets": operation(
            client, "received_packets", needed=True, capacity=Number("2", good="x > 0"), timeout_ms=TIMEOUT),
        "max_recv_size": on_loop(before=SET_UP + "\n    sweep_connect_async(fx);", client=client, size=Output("size_t")),
        "send_queue_size": on_loop(client=client, size=Output("size_t")),
        "recv_stop": on_loop(client=client),
        "is_connected": on_loop("value", client=client),
        "loop": on_loop("anything", client=client),
        "getsockopt": on_loop(client=client, level=Number("SOL_SOCKET"), name=Number("SO_TYPE"),
                              value=Given("fx->buffer"), size=Output("size_t", room="sizeof(fx->buffer)")),
        "setsockopt": on_loop(client=client, level=Number("SOL_SOCKET"), name=Number("SO_KEEPALIVE"),
                              value=Buffer("fx->buffer", "size", empty=FAILURE),
                              size=Size("sizeof(int)", smaller=(("0", FAILURE), ("1", FAILURE)))),
        "get_option": on_loop(client=client, option=Number("EN_OPTION_RECEIVE_BUFFER", bad=FAILURE),
                              value=Output("int64_t")),
        "set_option": on_loop(client=client, option=Number("EN_OPTION_REUSE_ADDRESS", bad=FAILURE),
                              value=Number("1", good="x == 0 || x == 1", extra=("2",))),
        "get_stats": on_loop(
            client=client, stats=Given("(fx->stats.struct_size = sizeof(fx->stats), &fx->stats)",
                                       variants=(("(fx->stats.struct_size = 0, &fx->stats)", invalid("struct_size")),))),
        "free": on_loop("nothing", client=Given(f"fx->async_{name}", null=OK),
                        after=unless_null("client", f"fx->async_{name} = NULL;")),
    }
    if name.startswith("unix_"):
        functions |= beside({"client": client})
    if name in ("tcp", "unix_stream"):
        functions["send_eof"] = operation(client, timeout_ms=TIMEOUT)
        functions["flush"] = operation(client, timeout_ms=TIMEOUT)
    if name == "tcp":
        functions["new_addresses"] = on_loop(
            **out, addresses=Buffer("fx->addresses", "count", empty=invalid("address"),
                                    variants=(("(fx->addresses[1] = NULL, fx->addresses)", invalid("address")),)),
            count=Size("2", smaller=(("0", invalid("address")), ("1", OK))), **made)
    if name in ("tcp", "udp"):
        ends = {"local_address": "address", "remote_address": "address"}
        kind, end = "en_address_t", "en_address_free"
    else:
        ends = {"local_name": "name", "peer_name": "name"}
        kind, end = "en_unix_address_t", "en_unix_address_free"
        functions["new_path"] = on_loop(**out, path=Given(address, variants=(('""', invalid("path")),)), **made)
    for which, parameter in ends.items():
        functions[f"get_{which}"] = on_loop(client=client, **{parameter: Handle(kind, end)})
    return {prefix + function: mine for function, mine in functions.items()}


HOST = {"host": Given('"127.0.0.1"', variants=(('""', invalid("host")), ('"\\xff"', invalid("host")))),
        "port": Number("fx->port")}

ASYNC = {
    **LOOP,
    **{f"en_async_client_{name}": mine
       for name, mine in operations(Given("en_async_tcp_client_as_async_client(fx->async_tcp)")).items()},
    **family("tcp", "fx->protocol", "fx->options", "fx->fd", HOST, None),
    **family("udp", "fx->datagrams", "fx->udp_options", "fx->udp_fd", HOST, None),
    **family("unix_stream", "fx->protocol", "fx->stream_options", "fx->stream_fd",
             {"address": Given("fx->stream_name")}, "fx->stream_path"),
    **family("unix_datagram", "fx->datagrams", "fx->datagram_options", "fx->datagram_fd",
             {"address": Given("fx->datagram_name")}, "fx->datagram_path"),
    "en_async_tcp_client_get_tls_info": on_loop(
        before="sweep_set_up_async_tls(fx);", client=Given("fx->async_tcp"), info=Handle("en_tls_info_t", "en_tls_info_free")),
    "en_async_unix_stream_client_get_peer_credentials": on_loop(
        client=Given("fx->async_unix_stream"), credentials=Output("en_credentials_t")),
}
ASYNC |= endpoint("stream", "fx->protocol", ASYNC) | endpoint("datagram", "fx->datagrams", ASYNC)
