use std::sync::atomic::AtomicU32;

use tempfile::TempDir;

use super::*;
use crate::prompt::fixtures::{FLAC, MP3, OGG, stereo};
use crate::prompt::format;
use crate::prompt::tts::{Speech, Tones, TtsError};
use crate::transport::TransportError;
use crate::wav;

fn settings() -> Settings {
    Settings::new("https://bot.test/prompts", Key::new("a secret of the bot").unwrap())
}

fn library(change: impl FnOnce(&mut Settings)) -> Prompts {
    let mut settings = settings();
    change(&mut settings);
    Prompts::try_new(settings, Clock::system()).unwrap()
}

fn folder(files: &[(&str, &[u8])]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, file) in files {
        std::fs::write(folder.path().join(name), file).unwrap();
    }
    folder
}

fn length(sound: &Sound) -> u128 {
    format::inspect(&sound.wav).unwrap().length().as_millis()
}

fn text(address: &Address) -> String {
    address.uri().reveal().to_owned()
}

#[tokio::test]
async fn a_folder_becomes_prompts_by_the_names_of_its_files() {
    let wav = stereo(44_100, 11_025);
    let files: [(&str, &[u8]); 5] = [
        ("menu.mp3", MP3),
        ("goodbye.ogg", OGG),
        ("hold music.flac", FLAC),
        ("Grüße.wav", &wav),
        (".DS_Store", b"not a prompt"),
    ];
    let place = folder(&files);
    std::fs::create_dir(place.path().join("old")).unwrap();
    for load in [Load::AtStart, Load::OnFirstUse] {
        let prompts = library(|_| ());
        prompts.add_folder(place.path(), load).await.unwrap();
        assert_eq!(prompts.names(), ["Grüße", "goodbye", "hold music", "menu"], "{load:?}");
        for name in ["Grüße", "goodbye", "hold music", "menu", "menu.mp3", "hold music.flac"] {
            assert_eq!(length(&prompts.sound(name).await.unwrap()), 250, "{load:?} {name}");
        }
        for name in ["menus", "menu.wav", "old", ".DS_Store", "../menu", ""] {
            let unknown = PromptError::Unknown(name.to_owned());
            assert_eq!(prompts.url(name), Err(unknown.clone()), "{name}");
            assert_eq!(prompts.sound(name).await, Err(unknown), "{name}");
        }
    }
}

#[tokio::test]
async fn what_the_service_cannot_play_is_refused_with_its_folder() {
    let wav = stereo(44_100, 11_025);
    let files: [(&str, &[u8]); 5] = [
        ("cut.wav", &wav[..1000]),
        ("menu.mp3", MP3),
        ("notes.txt", b"remember the milk"),
        ("nothing.wav", b""),
        ("same.mp3", MP3),
    ];
    let place = folder(&files);
    std::fs::write(place.path().join("same.ogg"), OGG).unwrap();
    for load in [Load::AtStart, Load::OnFirstUse] {
        let prompts = library(|_| ());
        let error = prompts.add_folder(place.path(), load).await.unwrap_err().to_string();
        for says in [
            "4 files of the folder are refused",
            "the prompt \"cut\" is refused: it breaks off",
            "the prompt \"notes\" is refused: it is not audio that can be read; give it as WAV",
            "the prompt \"nothing\" is refused: it is empty",
            "would both be the prompt \"same\"; rename one",
        ] {
            assert!(error.contains(says), "{load:?}: {error}");
        }
        assert!(prompts.names().is_empty(), "nothing was added");
    }
}

#[tokio::test]
async fn bad_input_is_told_with_the_way_out() {
    let wav = stereo(44_100, 11_025);
    let place = folder(&[("long.wav", wav.as_ref())]);
    let at = |file: &str| place.path().join(file);
    let prompts = library(|settings| {
        settings.limits.length = Duration::from_millis(200);
        settings.memory = 3_000;
    });
    let small = library(|settings| settings.limits.input_bytes = 1000);
    let file = async |prompts: &Prompts, name: &str, path: PathBuf| {
        prompts.add_file(name, path, Load::AtStart).await.unwrap_err().to_string()
    };
    for (case, error, says) in [
        (
            "no folder",
            prompts.add_folder(at("none"), Load::AtStart).await.unwrap_err().to_string(),
            "look whether it is there",
        ),
        ("no file", file(&prompts, "menu", at("none.wav")).await, "look whether it is there"),
        ("a folder", file(&prompts, "menu", place.path().to_owned()).await, "it is no file"),
        ("too long", file(&prompts, "long", at("long.wav")).await, "longer than 200ms; shorten it"),
        ("too large", file(&small, "long", at("long.wav")).await, "44144 bytes, and 1000 are allowed"),
        ("a path as a name", file(&prompts, "../x", at("long.wav")).await, "is no name for a prompt"),
        ("a long name", file(&prompts, &"x".repeat(101), at("long.wav")).await, "is no name for a prompt"),
        ("dots", file(&prompts, "..", at("long.wav")).await, "is no name for a prompt"),
        (
            "bytes that are no sound",
            prompts.insert("x", "<html>").await.unwrap_err().to_string(),
            "it is not audio",
        ),
        (
            "no room",
            prompts.insert("x", wav::write(&vec![1; 3000])).await.unwrap_err().to_string(),
            "allow more than 3000 bytes",
        ),
        ("nobody speaks", prompts.say("hello").await.unwrap_err().to_string(), "`Settings::tts`"),
        ("no such prompt", prompts.url("menu").unwrap_err().to_string(), "look how its file is called"),
    ] {
        assert!(error.contains(says), "{case}: {error}");
    }
    for (address, is_good) in [
        ("https://bot.example", true),
        ("http://127.0.0.1:8080/prompts/", true),
        ("http://bot.example/prompts", false),
        ("bot.example/prompts", false),
        ("https://bot.example/prompts?a=1", false),
    ] {
        let result =
            Prompts::try_new(Settings { address: address.to_owned(), ..settings() }, Clock::system());
        assert_eq!(result.is_ok(), is_good, "{address}");
    }
}

#[tokio::test]
async fn a_file_that_changes_or_goes_is_noticed_when_it_is_needed() {
    let place = folder(&[("menu.mp3", MP3)]);
    // Two prompts of a quarter of a second do not fit beside each other.
    let prompts = library(|settings| settings.memory = 9_000);
    prompts.add_folder(place.path(), Load::AtStart).await.unwrap();
    let before = prompts.url("menu").unwrap();
    let file = place.path().join("menu.mp3");
    std::fs::write(&file, stereo(16_000, 8_000)).unwrap();
    assert_eq!(length(&prompts.sound("menu").await.unwrap()), 250, "it is in memory");
    prompts.add_file("other", &file, Load::AtStart).await.unwrap();
    assert_eq!(length(&prompts.sound("menu").await.unwrap()), 500, "it had to be read again");
    assert_ne!(prompts.url("menu").unwrap(), before, "another sound has another address");
    std::fs::remove_file(&file).unwrap();
    assert_eq!(length(&prompts.sound("menu").await.unwrap()), 500);
    prompts.inner.cache.get_or_make([0; 32], async || Ok(wav::write(&vec![0; 9_000]).into())).await.unwrap();
    let gone = prompts.sound("menu").await.unwrap_err();
    assert!(gone.to_string().contains("menu.mp3 cannot be read"), "{gone}");
}

#[tokio::test]
async fn a_file_is_read_by_what_it_is_and_not_by_what_it_is_called() {
    let place = folder(&[("one.wav", MP3), ("two.mp3", FLAC), ("three", OGG), ("four.txt", MP3)]);
    let prompts = library(|_| ());
    prompts.add_folder(place.path(), Load::AtStart).await.unwrap();
    for name in ["one", "two", "three", "four"] {
        assert_eq!(length(&prompts.sound(name).await.unwrap()), 250, "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_file_that_many_fetch_at_once_is_read_once_and_a_slow_disk_is_told() {
    let place = folder(&[("menu.mp3", MP3)]);
    let prompts = library(|_| ());
    prompts.add_folder(place.path(), Load::OnFirstUse).await.unwrap();
    let (_, prompt) = prompts.named("menu").unwrap();
    let Prompt::File { reading, .. } = &*prompt else { panic!("it is a file") };
    // Whoever reads it takes for ever: the others wait, and no longer than they may.
    let turn = reading.lock().await;
    let begun = tokio::time::Instant::now();
    let within = Duration::from_secs(8);
    let slow = Err(PromptError::TooSlow { name: "menu".to_owned(), within });
    assert_eq!(prompts.sound("menu").await, slow);
    assert_eq!(begun.elapsed().as_secs(), 8);
    // He has read it, and the file is not there any more: those who waited have it of him.
    let waiting = tokio::spawn({
        let prompts = prompts.clone();
        async move { prompts.sound("menu").await }
    });
    tokio::task::yield_now().await;
    let digest = prompt.source();
    let made = async || prompts.converted("menu", MP3.into()).await;
    prompts.inner.cache.get_or_make(digest, made).await.unwrap();
    std::fs::remove_file(place.path().join("menu.mp3")).unwrap();
    drop(turn);
    assert_eq!(length(&waiting.await.unwrap().unwrap()), 250);
}

#[tokio::test]
async fn bytes_stay_and_take_the_place_of_others() {
    let prompts = library(|settings| settings.memory = 20_000);
    prompts.insert("beep", wav::write(&[5; 4_000])).await.unwrap();
    let first = prompts.url("beep").unwrap();
    prompts.insert("beep", wav::write(&vec![6; 8_000])).await.unwrap();
    assert_ne!(prompts.url("beep").unwrap(), first);
    assert_eq!(length(&prompts.sound("beep").await.unwrap()), 500);
    assert!(matches!(prompts.insert("more", wav::write(&[7; 4_000])).await, Err(PromptError::Full { .. })));
}

#[tokio::test(start_paused = true)]
async fn an_address_is_the_same_for_a_while_and_good_for_longer() {
    let prompts = library(|_| ());
    prompts.insert("Grüße & mehr", MP3).await.unwrap();
    let until = |address: &Address| {
        let text = text(address);
        text.split("&e=").nth(1).unwrap().split('&').next().unwrap().parse::<u64>().unwrap()
    };
    let (mut last, mut changes) = (prompts.url("Grüße & mehr").unwrap(), 0);
    for _ in 0..24 {
        tokio::time::advance(Duration::from_secs(3600)).await;
        let next = prompts.url("Grüße & mehr").unwrap();
        changes += u32::from(next != last);
        let left = until(&next) - prompts.now_seconds();
        assert!((24 * 3600..=30 * 3600).contains(&left), "{left}");
        last = next;
    }
    assert_eq!(changes, 4);
    assert!(
        text(&last).starts_with("https://bot.test/prompts/Gr%C3%BC%C3%9Fe%20%26%20mehr.wav?v="),
        "{}",
        text(&last)
    );
}

#[tokio::test]
async fn nothing_of_a_signature_is_printed() {
    let prompts = library(|settings| settings.tts = Some(Arc::new(Tones)));
    prompts.insert("menu", MP3).await.unwrap();
    let address = prompts.url("menu").unwrap();
    let signature = text(&address).split("&s=").nth(1).unwrap().to_owned();
    assert_eq!(signature.len(), 43);
    let printed = format!("{address:?} {prompts:?} {:?}", prompts.settings());
    assert!(!printed.contains(&signature) && !printed.contains("a secret of the bot"), "{printed}");
    assert!(printed.contains("menu.wav"), "{printed}");
}

/// Speaks as it is told, and counts how often.
struct Speaker {
    asked: Arc<AtomicU32>,
    takes: Duration,
    says: Result<Bytes, TtsError>,
}

impl Tts for Speaker {
    fn speak<'a>(&'a self, _: &'a Utterance) -> Speech<'a> {
        Box::pin(async move {
            self.asked.fetch_add(1, Ordering::SeqCst);
            tokio::time::sleep(self.takes).await;
            self.says.clone()
        })
    }

    fn identity(&self) -> String {
        "speaker".to_owned()
    }
}

fn speaking(takes: Duration, says: Result<Bytes, TtsError>) -> (Prompts, Arc<AtomicU32>) {
    let asked = Arc::new(AtomicU32::new(0));
    let speaker = Speaker { asked: Arc::clone(&asked), takes, says };
    (library(|settings| settings.tts = Some(Arc::new(speaker))), asked)
}

#[tokio::test]
async fn the_same_is_spoken_once() {
    let (prompts, asked) = speaking(Duration::from_millis(1), Ok(MP3.into()));
    let hello = || Utterance::text("hello");
    let (first, second) = tokio::join!(prompts.say("hello"), prompts.say(hello()));
    assert_eq!(first.unwrap(), second.unwrap());
    assert_eq!(prompts.say("hello").await, prompts.say("hello").await);
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    let mut seen = vec![prompts.say("hello").await.unwrap()];
    for other in [
        Utterance::text("Hello"),
        hello().with_voice("ada"),
        hello().with_language("ada"),
        Utterance::ssml("hello"),
    ] {
        let address = prompts.say(other).await.unwrap();
        assert!(!seen.contains(&address));
        seen.push(address);
    }
    assert_eq!(asked.load(Ordering::SeqCst), 5);
    assert!(prompts.names().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_tts_that_is_slow_or_down_or_wrong_is_told() {
    let down = TtsError::NoAnswer(TransportError::Unreachable {
        host: "speech.test".to_owned(),
        reason: "no such host".to_owned(),
    });
    for (case, takes, says, expected) in [
        ("slow", 60, Ok(MP3.into()), "was not made within 8s; shorten it, look what is slow"),
        ("down", 1, Err(down), "cannot reach speech.test: no such host"),
        ("wrong", 1, Ok("<html>Bad Gateway</html>".into()), "it is not audio"),
    ] {
        let (prompts, asked) = speaking(Duration::from_secs(takes), says);
        let (first, second) = tokio::join!(prompts.say("a secret text"), prompts.say("a secret text"));
        assert_eq!(first, second);
        let error = first.unwrap_err();
        assert!(error.to_string().contains(expected), "{case}: {error}");
        assert!(!format!("{error:?} {error}").contains("a secret text"), "{error:?}");
        assert_eq!(asked.load(Ordering::SeqCst), 1, "{case}");
        assert!(prompts.say("a secret text").await.is_err());
        assert_eq!(asked.load(Ordering::SeqCst), 2, "{case}: the next tries again");
    }
}

#[tokio::test(start_paused = true)]
async fn a_conversion_that_takes_too_long_is_told() {
    let prompts = library(|_| ());
    prompts.insert("ready", MP3).await.unwrap();
    // Every decoder is busy, and stays so.
    let all = u32::try_from(prompts.inner.converting.available_permits()).unwrap();
    let busy = prompts.inner.converting.acquire_many(all).await.unwrap();
    let error = prompts.insert("menu", MP3).await.unwrap_err();
    let within = Duration::from_secs(8);
    assert_eq!(error, PromptError::TooSlow { name: "menu".to_owned(), within });
    let begun = tokio::time::Instant::now();
    assert_eq!(length(&prompts.sound("ready").await.unwrap()), 250, "nobody else waits for that");
    assert!(prompts.url("ready").is_ok() && begun.elapsed().is_zero());
    drop(busy);
    assert_eq!(prompts.insert("menu", MP3).await, Ok(()));
}

#[tokio::test]
async fn what_was_made_outlives_the_process_in_a_folder() {
    let (place, asked) = (tempfile::tempdir().unwrap(), Arc::new(AtomicU32::new(0)));
    let process = || {
        let speaker = Speaker { asked: Arc::clone(&asked), takes: Duration::ZERO, says: Ok(MP3.into()) };
        library(|settings| {
            settings.cache_folder = Some(place.path().join("cache"));
            settings.tts = Some(Arc::new(speaker));
        })
    };
    let address = text(&process().say("hello").await.unwrap());
    let name = address.rsplit('/').next().unwrap().split(".wav").next().unwrap();
    let next = process();
    assert_eq!(
        length(&next.sound(name).await.unwrap()),
        250,
        "fetched after the restart, before it is said again"
    );
    assert_eq!(text(&next.say("hello").await.unwrap()), address);
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    for bad in [
        "spoken-",
        "spoken-00",
        &format!("spoken-{}", "zz".repeat(32)),
        &format!("spoken-{}", "00".repeat(32)),
    ] {
        assert_eq!(next.sound(bad).await, Err(PromptError::Unknown(bad.to_owned())));
    }
}
