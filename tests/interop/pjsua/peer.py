"""A SIP telephone made of pjsua2, told what to do by JSON lines and telling what happens by JSON lines.

The first argument is what it is, as JSON: `user`, `password`, `server` ("127.0.0.1:5060"),
`address` (its own), `transport` ("udp", "tcp", "tls"), `ca` (the file with whom it believes), `reliable` and `timer` ("off",
"supported", "required"), `interval` (of the session timer, seconds), `answers` (by itself), `log` (a file for its log, with
every message).

    {"do": "call", "to": "101"}                     {"event": "ready"}
    {"do": "ring", "call": 0}                       {"event": "registered", "status": 200}
    {"do": "answer", "call": 0}                     {"event": "incoming", "call": 0, "from": "…"}
    {"do": "hold", "call": 0}                       {"event": "call", "call": 0, "state": "CONFIRMED", "status": 200}
    {"do": "resume", "call": 0}                     {"event": "media", "call": 0, "status": "active"}
    {"do": "digits", "call": 0, "digits": "12"}     {"event": "digit", "call": 0, "digit": "5"}
    {"do": "transfer", "call": 0, "to": "102"}      {"event": "transfer", "call": 0, "status": 200, "final": true}
    {"do": "join", "call": 0, "with": 1}
    {"do": "refresh", "call": 0}
    {"do": "hangup", "call": 0}                     {"event": "error", "text": "…"}

All of it happens in one thread, that of `libHandleEvents`; the end of its input ends it.
"""

import json
import os
import select
import sys

import pjsua2 as pj

SOCKETS = {
    "udp": pj.PJSIP_TRANSPORT_UDP,
    "tcp": pj.PJSIP_TRANSPORT_TCP,
    "tls": pj.PJSIP_TRANSPORT_TLS,
}
RELIABLE = {
    "off": pj.PJSUA_100REL_NOT_USED,
    "supported": pj.PJSUA_100REL_OPTIONAL,
    "required": pj.PJSUA_100REL_MANDATORY,
}
TIMER = {
    "off": pj.PJSUA_SIP_TIMER_INACTIVE,
    "supported": pj.PJSUA_SIP_TIMER_OPTIONAL,
    "required": pj.PJSUA_SIP_TIMER_REQUIRED,
}
MEDIA = {
    pj.PJSUA_CALL_MEDIA_NONE: "none",
    pj.PJSUA_CALL_MEDIA_ACTIVE: "active",
    pj.PJSUA_CALL_MEDIA_LOCAL_HOLD: "held by us",
    pj.PJSUA_CALL_MEDIA_REMOTE_HOLD: "held by them",
    pj.PJSUA_CALL_MEDIA_ERROR: "error",
}


def say(event, **fields):
    print(json.dumps({"event": event, **fields}), flush=True)


def operation(status=0):
    parameters = pj.CallOpParam(True)
    parameters.statusCode = status
    return parameters


class Call(pj.Call):
    """A call, in either direction."""

    def __init__(self, telephone, identity=pj.PJSUA_INVALID_ID):
        super().__init__(telephone, identity)
        self.telephone = telephone

    def onCallState(self, _):
        info = self.getInfo()
        say("call", call=info.id, state=info.stateText, status=info.lastStatusCode)
        if info.state == pj.PJSIP_INV_STATE_DISCONNECTED:
            self.telephone.calls.pop(info.id, None)

    def onCallMediaState(self, _):
        info = self.getInfo()
        for media in info.media:
            if media.type == pj.PJMEDIA_TYPE_AUDIO:
                say("media", call=info.id, status=MEDIA[media.status])

    def onDtmfDigit(self, parameters):
        say("digit", call=self.getId(), digit=parameters.digit)

    def onCallTransferStatus(self, parameters):
        say(
            "transfer",
            call=self.getId(),
            status=parameters.statusCode,
            final=bool(parameters.finalNotify),
        )


class Telephone(pj.Account):
    """An account and its calls."""

    def __init__(self, setup):
        super().__init__()
        self.setup = setup
        self.calls = {}
        self.server = f"sip:{setup['server']};transport={setup['transport']}"

    def open(self):
        setup = self.setup
        config = pj.AccountConfig()
        config.idUri = f"sip:{setup['user']}@{setup['server']}"
        if setup["transport"] != "udp":
            config.sipConfig.proxies.append(f"{self.server};lr")
        config.regConfig.registrarUri = self.server
        config.regConfig.timeoutSec = 120
        secret = pj.AuthCredInfo("digest", "*", setup["user"], 0, setup["password"])
        config.sipConfig.authCreds.append(secret)
        config.callConfig.prackUse = RELIABLE[setup["reliable"]]
        config.callConfig.timerUse = TIMER[setup["timer"]]
        config.callConfig.timerSessExpiresSec = setup["interval"]
        config.mediaConfig.transportConfig.boundAddress = setup["address"]
        config.mediaConfig.transportConfig.port = 0
        config.mediaConfig.transportConfig.randomizePort = True
        self.create(config)

    def uri(self, user):
        """A URI at the server, by our transport."""
        return self.server.replace("sip:", f"sip:{user}@")

    def onRegState(self, parameters):
        say("registered", status=parameters.code)

    def onIncomingCall(self, parameters):
        call = Call(self, parameters.callId)
        self.calls[parameters.callId] = call
        say("incoming", call=parameters.callId, **{"from": call.getInfo().remoteUri})
        if self.setup["answers"]:
            call.answer(operation(180))
            call.answer(operation(200))

    def do(self, command):
        what = command["do"]
        if what == "call":
            call = Call(self)
            call.makeCall(self.uri(command["to"]), operation())
            self.calls[call.getId()] = call
            return
        call = self.calls[command["call"]]
        if what == "ring":
            call.answer(operation(180))
        elif what == "answer":
            call.answer(operation(200))
        elif what == "hold":
            call.setHold(operation())
        elif what == "resume":
            parameters = operation()
            parameters.opt.flag = pj.PJSUA_CALL_UNHOLD
            call.reinvite(parameters)
        elif what == "refresh":
            call.update(operation())
        elif what == "digits":
            call.dialDtmf(command["digits"])
        elif what == "transfer":
            call.xfer(self.uri(command["to"]), operation())
        elif what == "join":
            call.xferReplaces(self.calls[command["with"]], operation())
        elif what == "hangup":
            call.hangup(operation())
        else:
            raise ValueError(f"nothing is called {what}")


class Log(pj.LogWriter):
    """What pjsip logs, with every message."""

    def __init__(self, path):
        super().__init__()
        self.file = open(path, "w", encoding="utf-8")

    def write(self, entry):
        self.file.write(entry.msg)
        self.file.flush()


def start(setup, writer):
    config = pj.EpConfig()
    config.uaConfig.threadCnt = 0
    config.uaConfig.mainThreadOnly = True
    # pjsip's own file is written late.
    config.logConfig.writer = writer
    config.logConfig.level = 5
    config.medConfig.noVad = True
    # The null device that is the clock of all audio would be closed when it is idle, and stay so.
    config.medConfig.sndAutoCloseTime = -1
    endpoint = pj.Endpoint()
    endpoint.libCreate()
    endpoint.libInit(config)
    transport = pj.TransportConfig()
    transport.port = 0
    transport.boundAddress = setup["address"]
    if setup.get("ca"):
        transport.tlsConfig.CaListFile = setup["ca"]
        transport.tlsConfig.verifyServer = True
    endpoint.transportCreate(SOCKETS[setup["transport"]], transport)
    endpoint.audDevManager().setNullDev()
    for codec in endpoint.codecEnum2():
        if not codec.codecId.startswith("PCMU"):
            endpoint.codecSetPriority(codec.codecId, 0)
    endpoint.libStart()
    return endpoint


def main():
    setup = json.loads(sys.argv[1])
    # Ours for as long as it runs: pjsip does not keep it.
    writer = Log(setup["log"])
    endpoint = start(setup, writer)
    telephone = Telephone(setup)
    telephone.open()
    say("ready")
    received = b""
    while True:
        endpoint.libHandleEvents(5)
        if not select.select([0], [], [], 0)[0]:
            continue
        octets = os.read(0, 4096)
        if not octets:
            # What is open ends with the process: to take leave of everybody costs a second.
            os._exit(0)
        *lines, received = (received + octets).split(b"\n")
        for line in lines:
            try:
                telephone.do(json.loads(line))
            except (pj.Error, LookupError, ValueError) as error:
                text = error.info() if isinstance(error, pj.Error) else repr(error)
                say("error", text=text)


if __name__ == "__main__":
    main()
