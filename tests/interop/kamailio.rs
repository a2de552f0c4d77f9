//! Kamailio: a proxy of somebody else's between the gateway and a SIP peer, which stays in the path by Record-Route.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::Command;

use crate::control::PATIENCE;
use crate::process::Process;
use crate::site::{Site, free_port};

/// The realm of its challenges.
pub const REALM: &str = "kamailio.test";

/// A Kamailio at work.
pub struct Kamailio {
    /// Where it listens.
    pub sip: SocketAddr,
    process: Process,
}

impl Kamailio {
    /// Starts it at `port`: what comes from the gateway goes to `peer`, all else to the gateway. With a `password` it lets
    /// nobody call the peer who does not prove to have it (407).
    pub fn start(site: &Site, port: u16, peer: u16, password: Option<&str>) -> Self {
        let sip = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let folder = site.file("kamailio");
        fs::create_dir_all(&folder).expect("a folder");
        let text = password.map_or_else(String::new, |password| {
            format!(
                "if (!pv_proxy_authenticate(\"{REALM}\", \"{password}\", \"0\")) {{\n\
                 auth_challenge(\"{REALM}\", \"1\");\nexit;\n}}\nconsume_credentials();\n"
            )
        });
        let config = CONFIGURATION
            .replace("@PORT@", &port.to_string())
            .replace("@GATEWAY@", &site.sip.port().to_string())
            .replace("@PEER@", &peer.to_string())
            .replace("@AUTHENTICATION@", &text);
        let file = folder.join("kamailio.cfg");
        fs::write(&file, config).expect("a file");
        let mut command = Command::new("kamailio");
        command.args(["-DD", "-E", "-m", "32", "-M", "4", "-n", "1"]);
        command.arg("-f").arg(&file).arg("-Y").arg(&folder).arg("-w").arg(&folder);
        let mut process = Process::start("kamailio", site.folder(), &mut command);
        process.wait_for_text("proxy ready", PATIENCE);
        Self { sip, process }
    }
}

impl Drop for Kamailio {
    /// Its workers are processes of their own, which it ends itself.
    fn drop(&mut self) {
        self.process.terminate(PATIENCE);
    }
}

/// A port for it, to be named in the gateway's configuration before it is started.
pub fn port() -> u16 {
    free_port()
}

const CONFIGURATION: &str = r#"
debug=1
log_stderror=yes
children=1
listen=udp:127.0.0.1:@PORT@
auto_aliases=no
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "pv.so"
loadmodule "maxfwd.so"
loadmodule "siputils.so"
loadmodule "textops.so"
loadmodule "xlog.so"
loadmodule "auth.so"

event_route[core:worker-one-init] {
    xlog("L_ERR", "proxy ready\n");
}

request_route {
    if (!mf_process_maxfwd_header("10")) {
        sl_send_reply("483", "Too Many Hops");
        exit;
    }
    if (is_method("CANCEL")) {
        if (t_check_trans()) t_relay();
        exit;
    }
    if (has_totag()) {
        if (loose_route()) {
            t_relay();
        } else if (is_method("ACK")) {
            if (t_check_trans()) t_relay();
        } else {
            sl_send_reply("404", "Not Here");
        }
        exit;
    }
    if ($sp == @GATEWAY@) {
        @AUTHENTICATION@
        $du = "sip:127.0.0.1:@PEER@";
    } else {
        $du = "sip:127.0.0.1:@GATEWAY@";
    }
    if (is_method("INVITE")) record_route();
    t_relay();
}
"#;
