//! Where the simulator listens: by http for this machine alone, and by https beside it, which is also for others where that
//! was allowed.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use tokio::net::TcpListener;

use crate::cli::Failure;

/// Where it listens, and under which names it is reached.
pub(super) struct Listening {
    pub(super) http: TcpListener,
    pub(super) https: Option<TcpListener>,
    /// Scheme and authority that what it serves names.
    pub(super) base: String,
    /// The same by https.
    pub(super) secure_base: Option<String>,
    /// The names beyond loopback.
    pub(super) hosts: Vec<String>,
    /// Whether other machines reach it.
    pub(super) is_remote: bool,
}

#[derive(clap::Args, Debug)]
pub(super) struct Where {
    /// The port to serve on by http, which is for this machine alone; 0 is a free one
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// The port to serve on by https; 0 is a free one
    #[arg(long, default_value_t = 0, value_name = "PORT")]
    tls_port: u16,
    /// Serve no https
    #[arg(long, conflicts_with_all = ["tls_port", "ca_dir", "ca_file", "allow_remote"])]
    pub(super) no_tls: bool,
    /// A folder in which the certificate is kept over restarts, so that clients are told of its authority once
    #[arg(long, value_name = "FOLDER")]
    pub(super) ca_dir: Option<PathBuf>,
    /// Where the authority's certificate is written [default: ca.pem in --ca-dir, else in a folder for temporary files]
    #[arg(long, value_name = "FILE")]
    pub(super) ca_file: Option<PathBuf>,
    /// The address to serve on; one that other machines reach needs --allow-remote
    #[arg(long, default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST), value_name = "ADDRESS")]
    bind: IpAddr,
    /// Let other machines reach it: by https alone, and its page and its control with a key that is printed
    #[arg(long)]
    allow_remote: bool,
    /// A further name or address under which it is reached, as host.docker.internal; may be given several times
    #[arg(long = "host", value_name = "NAME")]
    hosts: Vec<String>,
}

/// Why it does not listen as it was asked to.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refused {
    #[error(
        "{0} can be reached by other machines: add --allow-remote, with which page and control need a key, or bind to \
         127.0.0.1"
    )]
    Remote(IpAddr),
    #[error(
        "say by --host under which name or address other machines reach {0}: the certificate is made for it"
    )]
    Nameless(IpAddr),
}

impl Where {
    /// Refuses to be reached by others unless that was allowed, and under no name.
    pub(super) fn check(&self) -> Result<(), Refused> {
        let is_remote = !self.bind.is_loopback();
        match (is_remote, self.allow_remote, self.bind.is_unspecified() && self.hosts.is_empty()) {
            (true, false, _) => Err(Refused::Remote(self.bind)),
            (true, true, true) => Err(Refused::Nameless(self.bind)),
            (true, true, false) | (false, ..) => Ok(()),
        }
    }

    pub(super) fn is_remote(&self) -> bool {
        !self.bind.is_loopback()
    }

    /// Listens.
    pub(super) async fn listen(&self) -> Result<Listening, Failure> {
        let is_remote = self.is_remote();
        // Plain http never leaves this machine.
        let local = if is_remote { IpAddr::V4(Ipv4Addr::LOCALHOST) } else { self.bind };
        let http = bound(local, self.port, "--port").await?;
        let https =
            if self.no_tls { None } else { Some(bound(self.bind, self.tls_port, "--tls-port").await?) };
        let mut hosts = self.hosts.clone();
        if is_remote && !self.bind.is_unspecified() {
            hosts.push(self.bind.to_string());
        }
        let name = if is_remote { hosts.first().map_or("localhost", String::as_str) } else { "localhost" };
        let secure_base = match &https {
            Some(https) => Some(format!("https://{}:{}", in_url(name), https.local_addr()?.port())),
            None => None,
        };
        let by_http = format!("http://{}", http.local_addr()?);
        let base = secure_base.clone().filter(|_| is_remote).unwrap_or(by_http);
        Ok(Listening { http, https, base, secure_base, hosts, is_remote })
    }
}

async fn bound(address: IpAddr, port: u16, flag: &str) -> Result<TcpListener, Failure> {
    let address = SocketAddr::new(address, port);
    TcpListener::bind(address).await.map_err(|error| {
        Failure::Because(format!(
            "cannot listen on {address} for the simulator: {error}; give another port by {flag}, or 0 for a free one"
        ))
    })
}

/// A host as it stands in an address.
fn in_url(host: &str) -> String {
    if host.parse::<std::net::Ipv6Addr>().is_ok() { format!("[{host}]") } else { host.to_owned() }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Command {
        #[command(flatten)]
        args: Where,
    }

    impl Where {
        /// As the command line says.
        pub(in crate::cli) fn of(words: &[&str]) -> Self {
            Command::try_parse_from(["sim"].iter().chain(words)).ok().unwrap().args
        }
    }

    #[test]
    fn nobody_else_reaches_it_unless_that_was_allowed() {
        for (words, says) in [
            (&[][..], ""),
            (&["--bind", "127.0.0.2"], ""),
            (&["--bind", "::1"], ""),
            (&["--allow-remote"], ""),
            (&["--bind", "0.0.0.0"], "add --allow-remote"),
            (&["--bind", "::"], "add --allow-remote"),
            (&["--bind", "192.0.2.7", "--host", "sim.test"], "add --allow-remote"),
            (&["--bind", "0.0.0.0", "--allow-remote"], "say by --host"),
            (&["--bind", "0.0.0.0", "--allow-remote", "--host", "sim.test"], ""),
            (&["--bind", "192.0.2.7", "--allow-remote"], ""),
        ] {
            let said = Where::of(words).check().err().map(|refused| refused.to_string()).unwrap_or_default();
            assert!(said.contains(says), "{words:?}: {said}");
            assert_eq!(said.is_empty(), says.is_empty(), "{words:?}: {said}");
        }
    }

    #[test]
    fn plain_http_alone_is_for_this_machine() {
        for with in ["--allow-remote", "--tls-port=1", "--ca-dir=ca", "--ca-file=ca.pem"] {
            assert!(Command::try_parse_from(["sim", "--no-tls", with]).is_err(), "{with}");
        }
    }

    #[tokio::test]
    async fn plain_http_stays_on_loopback_where_others_are_let_in() {
        let words = ["--bind", "0.0.0.0", "--allow-remote", "--host", "sim.test"];
        let listening = Where::of(&words).listen().await.ok().unwrap();
        assert!(listening.http.local_addr().unwrap().ip().is_loopback());
        let https = listening.https.unwrap().local_addr().unwrap();
        assert!(https.ip().is_unspecified());
        assert_eq!(listening.base, format!("https://sim.test:{}", https.port()));
        assert_eq!((listening.is_remote, listening.hosts), (true, vec!["sim.test".to_owned()]));

        let listening = Where::of(&[]).listen().await.ok().unwrap();
        let http = listening.http.local_addr().unwrap();
        assert_eq!((listening.base, listening.is_remote), (format!("http://{http}"), false));
        let https = listening.https.unwrap().local_addr().unwrap();
        assert!(https.ip().is_loopback());
        assert_eq!(listening.secure_base, Some(format!("https://localhost:{}", https.port())));

        assert!(Where::of(&["--no-tls"]).listen().await.ok().unwrap().https.is_none());
    }
}
