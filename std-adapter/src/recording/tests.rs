use std::sync::{Arc, Mutex};

use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;

use super::*;
use crate::transport::Https;

/// A server on loopback that answers each connection by the next entry of a script, and closes it.
struct Server {
    recording: Recording,
    heads: Arc<Mutex<Vec<String>>>,
}

async fn server(script: Vec<String>) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let location = format!("http://{}/recordings/secret-path?sig=s3cret", listener.local_addr().unwrap());
    let heads = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&heads);
    tokio::spawn(async move {
        for answer in script {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(stream.read_u8().await.unwrap());
            }
            log.lock().unwrap().push(String::from_utf8(head).unwrap().to_lowercase());
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    Server { recording: Recording { location, access_token: "t0ken".to_owned() }, heads }
}

impl Server {
    async fn fetch(&self, fetching: &Fetching) -> (Result<u64, RecordingError>, String) {
        let https = Https::try_new(Duration::from_secs(5), Duration::from_secs(5)).unwrap();
        let mut got = Vec::new();
        let result = download(&https, &self.recording, &mut got, fetching).await;
        if let Err(error) = &result {
            let words = format!("{error} {error:?}");
            assert!(!words.contains("t0ken") && !words.contains("secret"), "{words}");
        }
        (result, String::from_utf8(got).unwrap())
    }

    fn asked(&self) -> usize {
        self.heads.lock().unwrap().len()
    }
}

/// A response with these headers and this body, which may be shorter than it says.
fn response(status: u16, headers: &[&str], body: &str) -> String {
    let headers = headers.join("\r\n");
    format!("HTTP/1.1 {status} X\r\nconnection: close\r\n{headers}\r\n\r\n{body}")
}

const TEN: &str = "content-length: 10";
const TAG: &str = "etag: \"v1\"";

#[tokio::test]
async fn what_is_cut_in_the_middle_is_gone_on_with() {
    let rest = "content-range: bytes 4-9/10";
    for (story, script, expected) in [
        ("whole", vec![response(200, &[TEN], "0123456789")], 1),
        (
            "by its validator",
            vec![
                response(200, &[TEN, TAG], "0123"),
                response(206, &["content-length: 6", TAG, rest], "456789"),
            ],
            2,
        ),
        (
            "by its length",
            vec![response(200, &[TEN], "0123"), response(206, &["content-length: 6", rest], "456789")],
            2,
        ),
        (
            "cut twice",
            vec![
                response(200, &[TEN, TAG], "0123"),
                response(206, &["content-length: 6", TAG, rest], "45"),
                response(206, &["content-length: 4", TAG, "content-range: bytes 6-9/10"], "6789"),
            ],
            3,
        ),
        (
            "a server without ranges",
            vec![response(200, &[TEN], "0123"), response(200, &[TEN], "0123456789")],
            2,
        ),
    ] {
        let server = server(script).await;
        let (progress, seen) = watch::channel(Progress::default());
        let fetching = Fetching { progress: Some(progress), ..Fetching::default() };
        let (result, got) = server.fetch(&fetching).await;
        assert_eq!((result.unwrap(), got.as_str(), server.asked()), (10, "0123456789", expected), "{story}");
        assert_eq!(*seen.borrow(), Progress { bytes: 10, total: Some(10) }, "{story}");
        let heads = server.heads.lock().unwrap();
        assert!(heads.iter().all(|head| head.contains("authorization: bearer t0ken")), "{story}");
        assert!(!heads[0].contains("range"), "{story}");
        if story == "by its validator" {
            assert!(heads[1].contains("range: bytes=4-\r\n") && heads[1].contains("if-range: \"v1\""));
        }
    }
}

#[tokio::test]
async fn what_is_another_now_is_not_gone_on_with() {
    let cut = || response(200, &[TEN, TAG], "0123");
    for (story, script, is_changed) in [
        ("another validator", vec![cut(), response(200, &[TEN, "etag: \"v2\""], "abcdefghij")], true),
        (
            "another length",
            vec![response(200, &[TEN], "0123"), response(200, &["content-length: 12"], "0123456789ab")],
            true,
        ),
        (
            "another length of a part",
            vec![cut(), response(206, &["content-length: 8", "content-range: bytes 4-11/12"], "456789ab")],
            true,
        ),
        (
            "another part than was asked for",
            vec![cut(), response(206, &["content-length: 8", "content-range: bytes 2-9/10"], "23456789")],
            false,
        ),
        (
            "a weak validator and no length",
            vec![
                response(200, &["etag: W/\"v1\"", "transfer-encoding: chunked"], "4\r\n0123\r\n"),
                response(200, &["etag: W/\"v1\"", "transfer-encoding: chunked"], "4\r\n0123\r\n0\r\n\r\n"),
            ],
            false,
        ),
        ("shorter than what is there", vec![cut(), response(416, &["content-range: bytes */3"], "")], true),
    ] {
        let server = server(script).await;
        let (result, got) = server.fetch(&Fetching::default()).await;
        let error = result.unwrap_err();
        assert_eq!(matches!(error, RecordingError::Changed { bytes: 4, .. }), is_changed, "{story}: {error}");
        assert_eq!(matches!(error, RecordingError::NotResumable { bytes: 4, .. }), !is_changed, "{story}");
        assert_eq!(got, "0123", "{story}");
    }
}

#[tokio::test]
async fn refusals_say_what_to_do_and_are_not_repeated() {
    for (status, expected) in [
        (401, "fetch it at once when its operation completed"),
        (403, "refused the recording's token"),
        (404, "discarded soon after the call"),
        (410, "discarded soon after the call"),
        (302, "goes to its own host only"),
        (400, "answered 400"),
        (206, "answered 206"),
    ] {
        let headers = ["content-length: 0", "location: http://127.0.0.1:1/elsewhere"];
        let server = server(vec![response(status, &headers, ""); 2]).await;
        let (result, _) = server.fetch(&Fetching::default()).await;
        let error = result.unwrap_err().to_string();
        assert!(error.contains(expected), "{status}: {error}");
        assert_eq!(server.asked(), 1, "{status}");
    }
}

#[tokio::test]
async fn limits_of_size_and_of_tries() {
    let told = server(vec![response(200, &[TEN], "0123456789")]).await;
    let nine = Fetching { max_bytes: 9, ..Fetching::default() };
    let (result, got) = told.fetch(&nine).await;
    assert!(matches!(result, Err(RecordingError::TooLarge { limit: 9 })) && got.is_empty(), "{result:?}");
    let chunked = response(200, &["transfer-encoding: chunked"], "a\r\n0123456789\r\n0\r\n\r\n");
    let untold = server(vec![chunked.clone(), chunked]).await;
    let (result, _) = untold.fetch(&nine).await;
    assert!(matches!(result, Err(RecordingError::TooLarge { limit: 9 })), "{result:?}");

    let three = Fetching { tries: 3, ..Fetching::default() };
    let part = |first: usize| {
        let range = format!("content-range: bytes {first}-9/10");
        response(206, &[&format!("content-length: {}", 10 - first), &range], "x")
    };
    let cut = server(vec![response(200, &[TEN], "0123"), part(4), part(5), part(6)]).await;
    let (result, got) = cut.fetch(&three).await;
    let error = result.unwrap_err();
    assert!(matches!(error, RecordingError::Broken { tries: 3, bytes: 6, .. }), "{error}");
    assert_eq!((got.as_str(), cut.asked()), ("0123xx", 3));
    let busy = server(vec![
        response(503, &["content-length: 0", "retry-after: 0"], ""),
        response(200, &[TEN], "0123456789"),
    ])
    .await;
    assert_eq!(busy.fetch(&three).await.0.unwrap(), 10);
    let long = server(vec![response(429, &["content-length: 0", "retry-after: 60"], "")]).await;
    assert!(matches!(long.fetch(&three).await.0, Err(RecordingError::Broken { tries: 1, .. })));
}

#[tokio::test]
async fn a_token_leaves_over_https_only() {
    let https = Https::try_new(Duration::from_secs(1), Duration::from_secs(1)).unwrap();
    for location in ["http://graph.microsoft.com/r", "ftp://127.0.0.1/r", "/r", ""] {
        let recording = Recording { location: location.to_owned(), access_token: "t0ken".to_owned() };
        let result = download(&https, &recording, &mut Vec::new(), &Fetching::default()).await;
        assert!(matches!(result, Err(RecordingError::Address)), "{location}: {result:?}");
    }
}

#[tokio::test]
async fn a_file_is_there_whole_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("answer.wav");
    let https = Https::try_new(Duration::from_secs(5), Duration::from_secs(5)).unwrap();
    let names = || std::fs::read_dir(folder.path()).unwrap().count();

    let gone = server(vec![response(200, &[TEN], "0123"), response(404, &["content-length: 0"], "")]).await;
    let result = download_to_file(&https, &gone.recording, &path, &Fetching::default()).await;
    assert!(matches!(result, Err(RecordingError::Gone { .. })) && names() == 0, "{result:?}");

    // Begun anew where it changed.
    let other = || response(200, &["content-length: 3", TAG], "abc");
    let changed = server(vec![response(200, &[TEN], "0123"), other(), other()]).await;
    let bytes = download_to_file(&https, &changed.recording, &path, &Fetching::default()).await.unwrap();
    assert_eq!((bytes, std::fs::read(&path).unwrap().as_slice(), names()), (3, &b"abc"[..], 1));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
    let nowhere = folder.path().join("no such folder/answer.wav");
    let result = download_to_file(&https, &changed.recording, &nowhere, &Fetching::default()).await;
    assert!(matches!(result, Err(RecordingError::Unwritable(_))), "{result:?}");
}

#[tokio::test(start_paused = true)]
async fn in_process_it_comes_in_pieces_too_and_silence_is_given_up() {
    use axum::routing::get;
    let net = crate::transport::InProcess::new();
    let slow = async || {
        tokio::time::sleep(Duration::from_secs(3600)).await;
        "late"
    };
    let router = axum::Router::new().route("/r", get(async || "0123456789")).route("/slow", get(slow));
    net.mount("graph.test", router);
    let recording = |path: &str| Recording {
        location: format!("https://graph.test{path}"),
        access_token: "t0ken".to_owned(),
    };
    let mut got = Vec::new();
    assert_eq!(download(&net, &recording("/r"), &mut got, &Fetching::default()).await.unwrap(), 10);
    let result = download(&net, &recording("/slow"), &mut got, &Fetching::default()).await;
    assert!(matches!(result, Err(RecordingError::Broken { tries: 5, bytes: 0, .. })), "{result:?}");
}
