//! Kamailio: a proxy of somebody else's between the gateway and a SIP peer, which stays in the path by Record-Route.
//!
//! It speaks UDP with the peer, and with the gateway UDP, TCP or TLS: where that is another transport, it stays in the path
//! twice (RFC 5658 §3).

use std::fs;
use std::net::SocketAddr;
use std::process::Command;

use crate::control::PATIENCE;
use crate::process::Process;
use crate::site::{Certificate, Site, free_port};

/// The realm of its challenges.
pub const REALM: &str = "kamailio.test";

/// What a proxy is to be.
pub struct Proxy<'a> {
    /// Its port, to be named in the gateway's configuration before it is started.
    pub port: u16,
    /// The port of the peer that is called by way of it.
    pub peer: u16,
    /// What it speaks with the gateway: `udp`, `tcp` or `tls`.
    pub transport: &'a str,
    /// With it nobody is let call the peer who does not prove to have it (407).
    pub password: Option<&'a str>,
    /// What it shows over TLS.
    pub certificate: Option<&'a Certificate>,
}

impl Proxy<'_> {
    /// One that speaks UDP and asks nobody, between ports that are free.
    pub fn free() -> Self {
        let (port, peer) = (free_port(), free_port());
        Self { port, peer, transport: "udp", password: None, certificate: None }
    }
}

/// A Kamailio at work.
pub struct Kamailio {
    /// Where it listens.
    pub sip: SocketAddr,
    process: Process,
}

impl Kamailio {
    /// Starts it: calls of the telephones' numbers and registrations go to the gateway, whoever is asked for by the proxy's
    /// own address is the peer, and all else goes to where its URI says.
    pub fn start(site: &Site, plan: &Proxy<'_>) -> Self {
        let sip = SocketAddr::new(site.sip.ip(), plan.port);
        let folder = site.file("kamailio");
        fs::create_dir_all(&folder).expect("a folder");
        let authentication = plan.password.map_or_else(String::new, |password| {
            format!(
                "if (!pv_proxy_authenticate(\"{REALM}\", \"{password}\", \"0\")) {{\n\
                 auth_challenge(\"{REALM}\", \"1\");\nexit;\n}}\nconsume_credentials();\n"
            )
        });
        let gateway = if plan.transport == "tls" {
            site.tls.as_ref().expect("it is planned").address
        } else {
            site.sip
        };
        let mut transports = format!("listen=udp:{sip}\n");
        if plan.transport != "udp" {
            transports += &format!("listen={}:{sip}\n", plan.transport);
        }
        if let Some(certificate) = plan.certificate {
            fs::write(folder.join("certificate.pem"), &certificate.certificate).expect("a file");
            fs::write(folder.join("key.pem"), &certificate.key).expect("a file");
            let ca = site.tls.as_ref().expect("it is planned").ca.display();
            let here = folder.display();
            let tls = TLS.replace("@FOLDER@", &here.to_string()).replace("@CA@", &ca.to_string());
            fs::write(folder.join("tls.cfg"), tls).expect("a file");
            transports += &format!(
                "enable_tls=yes\nloadmodule \"tls.so\"\nmodparam(\"tls\", \"config\", \"{here}/tls.cfg\")\n"
            );
        }
        let config = CONFIGURATION
            .replace("@TRANSPORTS@", &transports)
            .replace("@GATEWAY@", &format!("{gateway};transport={}", plan.transport))
            .replace("@PEER@", &SocketAddr::new(sip.ip(), plan.peer).to_string())
            .replace("@AUTHENTICATION@", &authentication);
        let file = folder.join("kamailio.cfg");
        fs::write(&file, config).expect("a file");
        let mut command = Command::new("kamailio");
        command.args(["-DD", "-E", "-m", "64", "-M", "8", "-n", "1", "-N", "1"]);
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

const TLS: &str = "
[server:default]
method = TLSv1.2+
certificate = @FOLDER@/certificate.pem
private_key = @FOLDER@/key.pem
[client:default]
method = TLSv1.2+
verify_certificate = yes
require_certificate = yes
ca_list = @CA@
";

const CONFIGURATION: &str = r#"
debug=1
log_stderror=yes
children=1
auto_aliases=no
@TRANSPORTS@
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
    if (is_method("REGISTER") || $rU =~ "^1[0-9][0-9]$") {
        $du = "sip:@GATEWAY@";
    } else {
        @AUTHENTICATION@
        if (uri == myself) $du = "sip:@PEER@";
    }
    if (is_method("INVITE")) record_route();
    t_relay();
}
"#;
