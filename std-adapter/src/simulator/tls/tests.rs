use std::collections::BTreeSet;

use axum::routing::get;
use bytes::Bytes;
use http::{Request, Response};

use super::*;
use crate::transport::{Https, Transport, TransportError};

const NOW: u64 = 1_800_000_000;

fn hosts(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn now() -> u64 {
    crate::clock::Clock::system().now_seconds()
}

/// The address of a server that says hello, by https.
async fn serving(certificates: Certificates) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = Router::new().route("/", get(async |Extension(Encrypted): Extension<Encrypted>| "hello"));
    tokio::spawn(async move { certificates.serve(listener, router).await });
    address
}

async fn ask(https: &Https, url: &str) -> Result<Response<Bytes>, TransportError> {
    https.send(Request::get(url).body(Bytes::new()).unwrap()).await
}

const WITHIN: Duration = Duration::from_secs(20);

#[tokio::test]
async fn a_client_that_trusts_the_authority_is_answered_and_another_is_not() {
    let certificates = Certificates::make(&[], now()).unwrap();
    let authority = certificates.authority_pem();
    let address = serving(certificates).await;
    let trusting = Https::try_new_trusting(WITHIN, WITHIN, authority.as_bytes()).unwrap();
    for host in ["localhost", "127.0.0.1"] {
        let answer = ask(&trusting, &format!("https://{host}:{}/", address.port())).await.unwrap();
        assert_eq!(answer.body(), "hello", "{host}");
    }
    let other = Certificates::make(&[], now()).unwrap().authority_pem();
    for stranger in
        [Https::try_new(WITHIN, WITHIN), Https::try_new_trusting(WITHIN, WITHIN, other.as_bytes())]
    {
        let refused =
            ask(&stranger.unwrap(), &format!("https://localhost:{}/", address.port())).await.unwrap_err();
        assert!(refused.is_certainly_undone(), "{refused}");
        assert!(refused.to_string().contains("certificate"), "{refused}");
    }
}

#[tokio::test]
async fn who_never_shakes_hands_keeps_nobody_waiting() {
    let certificates = Certificates::make(&[], now()).unwrap();
    let authority = certificates.authority_pem();
    let address = serving(certificates).await;
    let silent = TcpStream::connect(address).await.unwrap();
    let within = HANDSHAKE_WITHIN / 2;
    let trusting = Https::try_new_trusting(within, within, authority.as_bytes()).unwrap();
    let answer = ask(&trusting, &format!("https://localhost:{}/", address.port())).await.unwrap();
    assert_eq!(answer.body(), "hello");
    drop(silent);
}

#[test]
fn what_is_no_certificate_cannot_be_trusted() {
    for pem in ["", "hello", "-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\n"] {
        assert!(Https::try_new_trusting(WITHIN, WITHIN, pem.as_bytes()).is_err(), "{pem}");
    }
}

#[test]
fn a_certificate_is_for_this_machine_and_for_the_hosts_that_are_given() {
    let certificates =
        Certificates::make(&hosts(&["Sim.Test", "sim.test", "192.0.2.7", "[2001:db8::1]"]), NOW).unwrap();
    assert_eq!(
        certificates.names(),
        ["localhost", "127.0.0.1", "::1", "sim.test", "192.0.2.7", "2001:db8::1"]
    );
    assert!(certificates.is_good(NOW));
    for host in ["", "*.sim.test", "sim.test:443", "https://sim.test", "a b"] {
        let refused = Certificates::make(&hosts(&[host]), NOW).unwrap_err();
        assert_eq!(refused, CertificatesError::Name(host.to_owned()), "{host}");
    }
}

#[test]
fn an_authority_cannot_sign_for_others() {
    let names = names(&hosts(&["sim.test", "192.0.2.7"])).unwrap();
    let (authority, issuer) = authority(&names, NOW).unwrap();
    for (host, is_good) in [
        ("localhost", true),
        ("sim.test", true),
        ("192.0.2.7", true),
        ("login.microsoftonline.com", false),
        ("192.0.2.8", false),
        ("127.0.0.2", false),
        ("2001:db8::1", false),
    ] {
        let (server, key) = server(&hosts(&[host]), NOW, &issuer).unwrap();
        let certificates = Certificates { authority: authority.clone(), server, key, names: hosts(&[host]) };
        assert_eq!(certificates.is_good(NOW), is_good, "{host}");
    }
}

#[test]
fn certificates_in_a_folder_are_made_once() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("new").join("ca");
    let (first, kept) = Certificates::kept_in(&folder, &hosts(&["sim.test"]), NOW).unwrap();
    assert_eq!(kept, Kept::Made);
    let files: BTreeSet<_> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(files, BTreeSet::from([AUTHORITY_FILE.to_owned(), SERVER_FILE.to_owned()]));
    assert_eq!(std::fs::read_to_string(folder.join(AUTHORITY_FILE)).unwrap(), first.authority_pem());
    for (hosts, now) in [(hosts(&["sim.test"]), NOW), (hosts(&[]), NOW + LIFETIME - LEFT_AT_LEAST - 1)] {
        let (again, kept) = Certificates::kept_in(&folder, &hosts, now).unwrap();
        assert_eq!((kept, again.authority_pem()), (Kept::Reused, first.authority_pem()), "{hosts:?}");
    }
}

#[cfg(unix)]
#[test]
fn only_the_owner_can_read_the_key_and_it_is_not_that_of_the_authority() {
    use std::os::unix::fs::PermissionsExt as _;

    let folder = tempfile::tempdir().unwrap();
    let (made, _) = Certificates::kept_in(folder.path(), &[], NOW).unwrap();
    let file = folder.path().join(SERVER_FILE);
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(!std::fs::read_to_string(folder.path().join(AUTHORITY_FILE)).unwrap().contains("PRIVATE"));
    let text = std::fs::read_to_string(&file).unwrap();
    assert_eq!(text.matches("BEGIN PRIVATE KEY").count(), 1);
    let pem = text.get(text.find("-----BEGIN PRIVATE KEY").unwrap()..).unwrap();
    let key = KeyPair::from_pem(pem).unwrap();
    let is_in = |der: &[u8]| der.windows(key.public_key_raw().len()).any(|part| part == key.public_key_raw());
    assert!(is_in(&made.server) && !is_in(&made.authority));
}

#[test]
fn certificates_that_are_no_good_are_replaced() {
    let other = tempfile::tempdir().unwrap();
    Certificates::kept_in(other.path(), &hosts(&["sim.test"]), NOW).unwrap();
    let of_other = std::fs::read(other.path().join(SERVER_FILE)).unwrap();
    let day_before_the_end = NOW + LIFETIME - LEFT_AT_LEAST + 1;
    for (what, file, text, host, now) in [
        ("its time is nearly over", None, None, "sim.test", day_before_the_end),
        ("it is from the future", None, None, "sim.test", NOW - 2 * TOLERANCE),
        ("a host is missing", None, None, "other.test", NOW),
        ("the server's file is damaged", Some(SERVER_FILE), Some(b"?".to_vec()), "sim.test", NOW),
        ("the server is another authority's", Some(SERVER_FILE), Some(of_other), "sim.test", NOW),
        ("the authority's file is gone", Some(AUTHORITY_FILE), None, "sim.test", NOW),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let (first, _) = Certificates::kept_in(folder.path(), &hosts(&["sim.test"]), NOW).unwrap();
        match (file, text) {
            (Some(file), Some(text)) => std::fs::write(folder.path().join(file), text).unwrap(),
            (Some(file), None) => std::fs::remove_file(folder.path().join(file)).unwrap(),
            (None, _) => {}
        }
        let (second, kept) = Certificates::kept_in(folder.path(), &hosts(&[host]), now).unwrap();
        assert_eq!(kept, Kept::Replaced, "{what}");
        assert_ne!(first.authority_pem(), second.authority_pem(), "{what}");
        let (third, kept) = Certificates::kept_in(folder.path(), &hosts(&[host]), now).unwrap();
        assert_eq!((kept, third.authority_pem()), (Kept::Reused, second.authority_pem()), "{what}");
    }
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a file");
    std::fs::write(&file, "").unwrap();
    let refused = Certificates::kept_in(&file.join("ca"), &[], NOW).unwrap_err();
    assert!(refused.to_string().contains("a file"), "{refused}");
    assert!(refused.to_string().contains("give another folder"), "{refused}");
}

#[test]
fn the_key_is_not_shown() {
    let certificates = Certificates::make(&[], NOW).unwrap();
    let shown = format!("{certificates:?}");
    assert!(shown.contains("<redacted>") && shown.len() < 200, "{shown}");
}
