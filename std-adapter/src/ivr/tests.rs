use callflow_core::event::Event;
use callflow_core::id::CallKey;
use callflow_core::identity::Answerer;
use callflow_core::permission::Permissions;
use callflow_core::time::Timestamp;

use super::doing::Doing;
use super::*;
use crate::bot::{Call, CallHandler};
use crate::clock::Clock;
use crate::configuration::Sources;
use crate::runtime::joining::Desk;
use crate::session::{Caller, Placement, Session, Settings};
use crate::store::CallName;
use crate::transport::InProcess;

const SETUP: &str =
    "[app]\ntenant_id = \"t\"\nid = \"a\"\n[webhook]\ncallback = \"https://bot.example/calls\"\n";
const ADA: &str = "112f7296-5fa4-42ca-bae8-6a692b15d4b8";

fn configuration(menus: &str, permissions: &str) -> Configuration {
    let sources = Sources::new().text("conf/bot.toml", format!("{SETUP}{menus}"));
    let sources = sources.variables([("CALLFLOW_APP_SECRET", "a secret of the app")]);
    sources.set("app.permissions", permissions).load().unwrap()
}

fn read(menus: &str) -> Result<Menus, ConfigurationError> {
    Menus::read(&configuration(menus, "Calls.Initiate.All,Calls.AccessMedia.All"))
}

/// The menu `main`, with this key.
fn with_key(key: &str) -> String {
    format!("[menu.main]\nsay = \"x\"\n[menu.main.keys]\n{key}\n")
}

#[test]
fn menus_are_read_with_everything_that_a_key_can_do() {
    let text = format!(
        "[run]\nstart = \"hall\"\nrecordings = \"messages\"\n[menu.hall]\nprompt = \"welcome\"\ninvalid_say = \"Sorry?\"\n\
         retries = 0\nno_input_seconds = 5\n[menu.hall.keys]\n1 = {{ say = \"Nine to five.\", then = \"hang_up\" }}\n2 = {{ play = \"hours\" }}\n\
         3 = {{ menu = \"more\" }}\n4 = {{ transfer = \"user:{ADA}\" }}\n5 = {{ transfer = \"phone:+49301234567\" }}\n\
         6 = {{ record = 60 }}\n\"*\" = \"repeat\"\npound = \"hang_up\"\n[menu.more]\nsay = \"More.\"\ngoodbye_prompt = \"bye\"\n\
         [menu.more.keys]\nA = {{ menu = \"hall\" }}\n"
    );
    let menus = read(&text).unwrap();
    assert_eq!((menus.start.as_str(), menus.warnings.len()), ("hall", 0), "{menus:?}");
    assert_eq!(menus.recordings.as_deref(), Some(std::path::Path::new("conf/messages")));
    let hall = &menus.by_name["hall"];
    assert_eq!((hall.retries, hall.no_input.as_secs()), (0, 5));
    let nine = Choice::Play { sound: Sound::Say("Nine to five.".to_owned()), then: Then::HangUp };
    let hours = Choice::Play { sound: Sound::Prompt("hours".to_owned()), then: Then::Repeat };
    for (tone, choice) in [
        (Tone::Tone1, nine),
        (Tone::Tone2, hours),
        (Tone::Tone3, Choice::Menu("more".to_owned())),
        (Tone::Tone4, Choice::Transfer(Target::User(ADA.to_owned()))),
        (Tone::Tone5, Choice::Transfer(Target::Phone("+49301234567".into()))),
        (Tone::Tone6, Choice::Record { seconds: 60, then: Then::Repeat }),
        (Tone::Star, Choice::Repeat),
        (Tone::Pound, Choice::HangUp),
    ] {
        assert_eq!(hall.choice(tone), Some(&choice), "{tone}");
    }
    assert_eq!((menus.by_name["more"].retries, menus.by_name["more"].no_input.as_secs()), (2, 10));
    assert!(!format!("{menus:?}").contains("49301234567"), "numbers are nobody's business");
}

#[test]
fn each_fault_names_its_key_its_place_and_the_way_out() {
    for (menus, words) in [
        (String::new(), "menu: there is no menu; describe one as [menu.main]"),
        ("menu = 3\n".to_owned(), "webhook.menu"),
        ("[menu]\nmain = 3\n".to_owned(), "conf/bot.toml:7:8: menu.main: a number stands here; give a table"),
        (
            "[menu.main]\n[menu.main.keys]\n".to_owned(),
            "conf/bot.toml:6:7: menu.main: a menu says what there is to press",
        ),
        ("[menu.main]\nsay = \"x\"\n".to_owned(), "menu.main: a menu has keys"),
        (
            "[menu.main]\nsya = \"x\"\nsay = \"x\"\n".to_owned(),
            "menu.main.sya: there is no such key; did you mean `menu.main.say`?",
        ),
        (
            "[menu.main]\nsay = \"x\"\nprompt = \"y\"\n".to_owned(),
            "menu.main.say: give `prompt` or `say`, not both",
        ),
        ("[menu.main]\nsay = 3\n".to_owned(), "menu.main.say: a number stands here"),
        (
            "[menu.main]\nsay = \"x\"\nretries = 21\n".to_owned(),
            "menu.main.retries: 21 is out of range; give 0 to 20",
        ),
        (
            "[menu.main]\nsay = \"x\"\nno_input_seconds = 0\n".to_owned(),
            "menu.main.no_input_seconds: 0 is out of range; give 1 to 3600",
        ),
        (
            with_key("1 = { menu = \"mian\" }"),
            "conf/bot.toml:9:14: menu.main.keys.1.menu: `mian` is none of these: main; did you mean `main`?",
        ),
        (with_key("12 = \"repeat\""), "menu.main.keys.12: this is no key: give 0 to 9"),
        (with_key("star = \"repeat\"\n\"*\" = \"repeat\""), "this key is there already"),
        (with_key("1 = \"repeat\"\n1 = \"repeat\""), "this is no TOML"),
        (with_key("1 = \"hangup\""), "`hangup` is none of these: repeat, hang_up; did you mean `hang_up`?"),
        (with_key("1 = 5"), "menu.main.keys.1: a number stands here"),
        (with_key("1 = { }"), "a key does one thing"),
        (with_key("1 = { say = \"x\", play = \"y\" }"), "a key does one thing"),
        (
            with_key("1 = { sy = \"x\" }"),
            "menu.main.keys.1.sy: there is no such key; did you mean `menu.main.keys.1.say`?",
        ),
        (
            with_key("1 = { say = \"x\", then = \"repaet\" }"),
            "menu.main.keys.1.then: `repaet` is none of these",
        ),
        (
            with_key("1 = { transfer = \"ada\" }"),
            "menu.main.keys.1.transfer: give \"user:\" and the id of a user",
        ),
        (with_key("1 = { transfer = \"phone:030 123\" }"), "a number as +49301234567"),
        (with_key("1 = { record = 121 }"), "121 is out of range; give 1 to 120"),
        (with_key("1 = { record = 0x3C }"), "give a whole number, in base ten"),
        (with_key("1 = { record = 60 }"), "give a folder as `run.recordings`"),
        ("[[outgoing]]\n".to_owned(), "outgoing: a list stands here; give tables, as [outgoing.reminder]"),
        ("[outgoing]\nada = 3\n".to_owned(), "outgoing.ada: a number stands here; give a table"),
        ("[outgoing.ada]\nmenu = \"main\"\n".to_owned(), "outgoing.ada: it says whom it goes to, as `to`"),
        ("[outgoing.ada]\nto = \"ada\"\n".to_owned(), "outgoing.ada.to: give \"user:\" and the id of a user"),
        ("[outgoing.ada]\nto = \"ada\"\n".to_owned(), "outgoing.ada: it says which menu he comes to"),
        (
            "[outgoing.ada]\nto = \"phone:+49301234567\"\n".to_owned(),
            "outgoing.ada.from: a phone is called as an application instance",
        ),
        (
            format!("[outgoing.ada]\nto = \"user:{ADA}\"\nfrom = \"user:{ADA}\"\n"),
            "outgoing.ada.from: the bot calls as an application instance",
        ),
        (
            format!("[outgoing.ada]\nto = \"user:{ADA}\"\nmenu = \"mian\"\n{}", with_key("1 = \"repeat\"")),
            "outgoing.ada.menu: `mian` is none of these: main; did you mean `main`?",
        ),
        (
            "[outgoing.ada]\nring_seconds = 116\n".to_owned(),
            "outgoing.ada.ring_seconds: 116 is out of range; give 5 to 115",
        ),
        ("[outgoing.ada]\nrings = 3\n".to_owned(), "outgoing.ada.rings: there is no such key"),
        (
            format!("[run]\nstart = \"hall\"\n{}", with_key("1 = \"repeat\"")),
            "conf/bot.toml:7:9: run.start: `hall` is none of these: main",
        ),
        (
            format!("[run]\nstrat = \"hall\"\n{}", with_key("1 = \"repeat\"")),
            "run.strat: there is no such key; did you mean `run.start`?",
        ),
    ] {
        let told = match Sources::new()
            .text("conf/bot.toml", format!("{SETUP}{menus}"))
            .variables([("CALLFLOW_APP_SECRET", "a secret")])
            .load()
        {
            Ok(configuration) => Menus::read(&configuration).unwrap_err().to_string(),
            Err(error) => error.to_string(),
        };
        assert!(told.contains(words), "{menus}: {told}");
    }
}

#[test]
fn what_may_be_a_mistake_is_warned_of() {
    let lost = format!("{}[menu.lost]\nsay = \"x\"\n[menu.lost.keys]\n", with_key("1 = \"repeat\""));
    assert_eq!(read(&lost).unwrap().warnings, ["no key leads to menu.lost"]);
    let transfers = with_key(&format!("1 = {{ transfer = \"user:{ADA}\" }}"));
    let warnings = Menus::read(&configuration(&transfers, "Calls.JoinGroupCall.All")).unwrap().warnings;
    assert!(
        warnings[0].contains("Calls.Initiate.All") && warnings[1].contains("Calls.AccessMedia.All"),
        "{warnings:?}"
    );
    let calls = format!(
        "[outgoing.ada]\nto = \"phone:+49301234567\"\nfrom = \"instance:{ADA}\"\nmenu = \"main\"\n{}",
        with_key("1 = \"repeat\"")
    );
    let menus = Menus::read(&configuration(&calls, "Calls.AccessMedia.All")).unwrap();
    assert_eq!(menus.warnings, ["somebody is called, which needs Calls.Initiate.All, and it is not granted"]);
    assert_eq!(menus.outgoing["ada"].from, Caller::ApplicationInstance(ADA.to_owned()));
    assert!(!format!("{menus:?}").contains("49301234567"), "numbers are nobody's business");
    let mut unknown = configuration(&transfers, "Calls.Initiate.All");
    unknown.bot.grants = Grants::Unknown;
    assert!(Menus::read(&unknown).unwrap().warnings.is_empty());
    assert_eq!(configuration(&transfers, "").bot.grants, Grants::Known(Permissions::NONE));
}

#[test]
fn the_example_is_read_and_uses_everything() {
    let menus = read(EXAMPLE).unwrap();
    assert_eq!((menus.by_name.len(), menus.warnings.len()), (2, 0), "{menus:?}");
    let choices: Vec<_> =
        menus.by_name.values().flat_map(|menu| &menu.keys).map(|(_, choice)| choice).collect();
    let has = |wanted: &dyn Fn(&Choice) -> bool| choices.iter().any(|choice| wanted(choice));
    assert!(
        has(&|choice| matches!(choice, Choice::Transfer(_)))
            && has(&|choice| matches!(choice, Choice::Record { .. }))
    );
    assert!(has(&|choice| *choice == Choice::Repeat) && has(&|choice| *choice == Choice::HangUp));
    let outgoing = &menus.outgoing["reminder"];
    assert_eq!((&outgoing.to, outgoing.ring.as_secs()), (&Target::User(ADA.to_owned()), 45));
    assert!(outgoing.voice_mail.is_some());
}

/// Hands these events to the handler of a file, on a call that is up; what it is at then.
async fn at(place: Place, events: &[Event]) -> Place {
    let text =
        format!("[outgoing.ada]\nto = \"user:{ADA}\"\nmenu = \"main\"\n{}", with_key("1 = \"repeat\""));
    let configuration = configuration(&text, "Calls.Initiate.All,Calls.AccessMedia.All");
    let transport: Arc<dyn Transport> = Arc::new(InProcess::new());
    let prompts = configuration.prompts.open(Arc::clone(&transport), Clock::system()).await.unwrap();
    let ivr = Menus::read(&configuration).unwrap().handler(prompts, transport);
    let now = Timestamp::from_millis(0);
    let placement = Placement::from(Target::User(ADA.to_owned()));
    let settings = Settings::new("https://bot.example/calls/1");
    let (mut session, step) = Session::place(now, CallKey::new(1), &placement, &settings).unwrap();
    let body = br#"{"id": "57DA", "state": "established"}"#;
    let (step, _) = session.response(now, step.requests[0].ticket, 201, None, body);
    let (name, desk) = (CallName::try_new("c-1").unwrap(), Desk::default());
    let mut call = Call::new(&name, &mut session, now, &desk, step);
    let mut place = place;
    while let Some(event) = call.next_event() {
        ivr.on_event(&mut call, &mut place, &event).await.unwrap();
    }
    for event in events {
        ivr.on_event(&mut call, &mut place, event).await.unwrap();
    }
    place
}

#[tokio::test]
async fn a_person_comes_to_the_menu_and_voice_mail_does_not() {
    let by = |by| Event::Reached { by: Some(by), routing: None };
    let ada = || Place::placed("ada");
    assert!(matches!(at(ada(), &[]).await.doing(), Doing::Ringing { .. }), "it is not known who took it");
    assert!(matches!(at(ada(), &[by(Answerer::User)]).await.doing(), Doing::Menu(_)));
    assert!(matches!(at(ada(), &[by(Answerer::VoiceMail)]).await.doing(), Doing::Leaving(_)));
    // The file has changed since.
    assert!(matches!(at(Place::placed("bob"), &[]).await.doing(), Doing::Leaving(_)));
}

#[tokio::test]
async fn who_was_as_good_as_transferred_and_is_here_again_comes_to_the_menu() {
    assert_eq!(*at(Place::default(), &[]).await.doing(), Doing::Nothing);
    assert!(matches!(at(Place::default(), &[Event::TransferFailed(None)]).await.doing(), Doing::Menu(_)));
}
