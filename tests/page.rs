//! The simulator's page in a headless Chromium: phones that ring, prompts that are heard, keys, and the ladder beside them.
//!
//! Where there is no `chromedriver` the tests are skipped by name; with `CI=true` its absence is a failure. Pictures of the
//! page are kept below `target/page`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::indexing_slicing
)] // helpers of tests

#[path = "page/browser.rs"]
mod browser;
#[path = "page/stage.rs"]
mod stage;

use browser::Browser;
use callflow_graph::session::Target;
use callflow_graph::simulator::What;
use serde_json::{Value, json};
use stage::{PERMISSIONS, Stage};

/// Browsers are heavy: one at a time.
static ONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

const ADA: &str = "[data-person='Ada']";
const BEN: &str = "[data-person='Ben']";
/// Whether a prompt is heard: its sound goes on.
const HEARD: &str =
    "[...document.querySelectorAll('audio[data-operation]')].some((one) => one.currentTime > 0)";

async fn in_state(browser: &Browser, state: &str) {
    browser.until(&format!("document.querySelector('.call-head .chip')?.textContent === '{state}'")).await;
}

fn deeds(stage: &Stage) -> Vec<String> {
    let deed = |what| match what {
        What::Person { name, did } => Some(format!("{name} {did}")),
        _ => None,
    };
    stage.simulator.history(0).into_iter().filter_map(|one| deed(one.what)).collect()
}

async fn call_of_ada(browser: &Browser) {
    browser.click(&format!("{ADA} [data-does=call]")).await;
    in_state(browser, "established").await;
    browser.until(HEARD).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_calls_hears_the_prompt_presses_keys_and_the_bot_hangs_up() {
    let _one = ONE.lock().await;
    let Some(browser) = Browser::start().await else { return };
    let stage = Stage::set(PERMISSIONS).await;
    browser.width(1440, 1100).await;
    browser.open(&stage.base).await;
    call_of_ada(&browser).await;
    browser
        .until(&format!("document.querySelector(\"{ADA} .hears\").textContent === 'hears a prompt'"))
        .await;
    let first = browser.gives("document.querySelector('audio[data-operation]').dataset.operation").await;
    // A key that is clicked: the prompt is stopped, and begins again.
    browser.click(&format!("{ADA} [data-key='1']")).await;
    browser.until(&format!("[...document.querySelectorAll('audio')].some((one) => one.dataset.operation === {first} && one.paused)")).await;
    browser.until(&format!("[...document.querySelectorAll('audio')].some((one) => one.dataset.operation !== {first} && one.currentTime > 0)")).await;
    browser.click(&format!("{ADA} [data-does=mute]")).await;
    browser
        .until(&format!("document.querySelector(\"{ADA} [data-does=mute]\").textContent === 'Unmute'"))
        .await;
    browser.click(&format!("{ADA} [data-does=speak]")).await;
    browser.prefers("light").await;
    browser.picture("light").await;
    browser.prefers("dark").await;
    browser.picture("dark").await;
    browser.prefers("light").await;
    // A key that is pressed while the phone has the focus.
    browser.keys(ADA, "2").await;
    in_state(&browser, "terminated").await;
    assert_eq!(
        deeds(&stage).iter().filter(|deed| !deed.contains("hears")).collect::<Vec<_>>(),
        ["Ada calls the bot", "Ada presses 1", "Ada mutes himself", "Ada speaks", "Ada presses 2"]
    );
    browser.until(&format!("document.querySelector(\"{ADA} [data-does=call]\").checkVisibility()")).await;
    assert_eq!(browser.count("audio:not([data-over])").await, 0, "what has ended is not heard");
    let told = browser.gives("document.getElementById('live').innerText").await;
    assert!(told.as_str().unwrap().contains("Ada presses 2"), "{told}");
    browser.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_phone_rings_and_is_picked_up_or_declined() {
    let _one = ONE.lock().await;
    let Some(browser) = Browser::start().await else { return };
    let stage = Stage::set(PERMISSIONS).await;
    browser.width(768, 1024).await;
    browser.open(&stage.base).await;
    for (does, state) in [("decline", "terminated"), ("pick up", "established")] {
        stage.bot.place(Target::User("ben".to_owned())).await.unwrap();
        browser.until(&format!("document.querySelector(\"{BEN}\")?.dataset.stands === 'ringing'")).await;
        assert_eq!(browser.gives("document.title").await, json!("Ben: the phone rings"));
        browser.picture("rings").await;
        browser.click(&format!("{BEN} [data-does='{does}']")).await;
        in_state(&browser, state).await;
    }
    browser.until(HEARD).await;
    browser.picture("tablet").await;
    let overflow =
        browser.gives("document.documentElement.scrollWidth - document.documentElement.clientWidth").await;
    assert_eq!(overflow, json!(0), "nothing goes beyond the width of a tablet");
    browser.click(&format!("{BEN} [data-does='hang up']")).await;
    in_state(&browser, "terminated").await;
    assert_eq!(
        deeds(&stage).iter().filter(|deed| !deed.contains("hears")).collect::<Vec<_>>(),
        ["Ben is rung", "Ben declines", "Ben is rung", "Ben picks up", "Ben hangs up"]
    );
    browser.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_third_makes_it_a_group_and_a_reload_shows_the_same() {
    let _one = ONE.lock().await;
    let Some(browser) = Browser::start().await else { return };
    let stage = Stage::set(PERMISSIONS).await;
    browser.width(1440, 1100).await;
    browser.open(&stage.base).await;
    call_of_ada(&browser).await;
    browser.click("[data-does=join]").await;
    browser
        .until("document.querySelector('.facts').innerText.includes('group: a third participant came in')")
        .await;
    browser.until("document.querySelectorAll('.sides section:first-child li').length === 3").await;
    browser.until(&format!("document.querySelector(\"{BEN}\").dataset.stands === 'connected'")).await;
    // All that was told so far.
    browser.until("document.querySelector('.rungs').innerText.includes('roster of 3')").await;
    let shown = "[document.querySelector('.call-head').innerText, document.querySelector('.facts').innerText, \
                  document.querySelector('.sides').innerText, document.querySelector('.rungs').innerText, \
                  document.querySelector('#phones').innerText]";
    let before = browser.gives(shown).await;
    browser.reload().await;
    browser.until("document.querySelectorAll('.sides section:first-child li').length === 3").await;
    assert_eq!(browser.gives(shown).await, before);
    // The prompt that plays goes on where it is.
    browser.until(HEARD).await;
    browser.picture("escalation").await;
    // Ada goes; Ben stays with the bot, and ends it.
    browser.click(&format!("{ADA} [data-does='hang up']")).await;
    browser.until(&format!("document.querySelector(\"{ADA}\").dataset.stands === 'idle'")).await;
    assert_eq!(stage.state(), "established");
    browser.click(&format!("{BEN} [data-key='2']")).await;
    in_state(&browser, "terminated").await;
    browser.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_line_of_the_ladder_shows_what_stands_behind_it() {
    let _one = ONE.lock().await;
    let Some(browser) = Browser::start().await else { return };
    let stage = Stage::set(PERMISSIONS).await;
    browser.width(1440, 1300).await;
    browser.open(&stage.base).await;
    call_of_ada(&browser).await;
    browser.click("[data-kind=request] button.rung").await;
    let shown = browser.until("document.querySelector('[data-kind=request] .behind').textContent").await;
    let shown = shown.as_str().unwrap();
    for expected in
        ["/answer", "callbackUri", "serviceHostedMediaConfig", "authorization: (not kept)", "Answer 202"]
    {
        assert!(shown.contains(expected), "{expected}: {shown}");
    }
    browser.picture("line").await;
    let command = "import('/page/ladder.js').then(({ curlOf }) => fetch('/sim/v1/history').then((answer) => answer.json()) \
                   .then((all) => curlOf(all.find((one) => one.kind === 'request'))))";
    let command = browser.gives(command).await;
    let command = command.as_str().unwrap();
    assert!(
        command.starts_with(&format!("curl -X POST '{}/v1.0/communications/calls/", stage.base)),
        "{command}"
    );
    for expected in ["-H \"Authorization: Bearer $TOKEN\"", "-d '{\"callbackUri\":"] {
        assert!(command.contains(expected), "{expected}: {command}");
    }
    // Nothing that a bot sends is read by the shell into which it is pasted.
    let hostile = "import('/page/ladder.js').then(({ curlOf }) => curlOf({ kind: 'request', method: '`id`', path: '/$(id)', \
                   headers: { 'x-a': \"'; id\" }, body: \"'`id`\" }))";
    let expected = format!(
        r#"curl -X '`id`' '{}/$(id)' -H "Authorization: Bearer $TOKEN" -H 'x-a: '\''; id' -d ''\''`id`'"#,
        stage.base
    );
    assert_eq!(browser.gives(hostile).await, json!(expected));
    // Back to the first line: the call had not been answered.
    let back = "(() => { const line = document.querySelector('.scrub input'); line.value = 1; \
                line.dispatchEvent(new Event('input')); return document.querySelector('.call-head .chip').textContent })()";
    assert_eq!(browser.gives(back).await, json!("incoming"));
    assert!(browser.count("li.later").await > 0);
    browser.picture("then").await;
    browser.click(".scrub button:not([hidden])").await;
    in_state(&browser, "established").await;
    assert_eq!(browser.count("li.later").await, 0);
    browser.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_is_shown_with_its_reason() {
    let _one = ONE.lock().await;
    let Some(browser) = Browser::start().await else { return };
    let stage = Stage::set(&[]).await;
    browser.width(1440, 900).await;
    browser.open(&stage.base).await;
    browser.until("document.querySelectorAll('.phone').length === 2").await;
    assert!(stage.bot.place(Target::User("ben".to_owned())).await.is_ok());
    let why = browser.until("document.querySelector('[data-is=bad] .why')?.textContent").await;
    assert!(why.as_str().unwrap().contains("Calls.Initiate.All"), "{why}");
    browser.picture("refused").await;
    browser.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_and_apps_are_changed() {
    let _one = ONE.lock().await;
    let Some(browser) = Browser::start().await else { return };
    let stage = Stage::set(PERMISSIONS).await;
    browser.width(1200, 1000).await;
    browser.open(&stage.base).await;
    // What a name, or a bot, says is text.
    let name = "<img src=x onerror=\"document.title='taken'\">";
    browser.click("#open-settings").await;
    browser.picture("settings").await;
    let new = "#settings .cards:first-of-type form:last-child";
    browser.type_in(&format!("{new} [name=name]"), name).await;
    browser.click(&format!("{new} [type=submit]")).await;
    browser.until("document.querySelectorAll('.phone').length === 3").await;
    assert!(
        browser.gives("document.querySelector('#phones').innerText").await.as_str().unwrap().contains(name)
    );
    assert_eq!(browser.count("#phones img").await, 0);
    assert_ne!(browser.gives("document.title").await, json!("taken"));
    // A habit that is none is refused where it was typed.
    let first = "#settings .cards:first-of-type form:first-child";
    browser.type_in(&format!("{first} [name=when_rung]"), "dance").await;
    browser.click(&format!("{first} [type=submit]")).await;
    let said = browser.until(&format!("document.querySelector('{first} .saved').textContent")).await;
    assert!(said.as_str().unwrap().contains("dance"), "{said}");
    // A permission is taken, and the secret stays.
    browser.click("#settings form [value='Calls.JoinGroupCall.All']").await;
    browser.click("#settings .cards:last-of-type form:first-child [type=submit]").await;
    browser
        .until("document.querySelector('#settings .cards:last-of-type .saved').textContent === 'Saved'")
        .await;
    let apps = browser.gives("fetch('/sim/v1/apps').then((answer) => answer.json())").await;
    assert_eq!(apps[0]["permissions"], json!(["Calls.AccessMedia.All", "Calls.Initiate.All"]));
    browser.click("#settings .dialog-head button").await;
    call_of_ada(&browser).await;
    // An app without permissions of groups is dropped where somebody is added.
    browser.click("[data-does=join]").await;
    in_state(&browser, "terminated").await;
    browser.click("#reset").await;
    browser.accept().await;
    browser
        .until("document.querySelectorAll('.phone').length === 2 && !document.querySelector('.call')")
        .await;
    // The refused habit is the one complaint that is due.
    let complaints = browser.complaints().await;
    assert!(complaints.iter().all(|one| one.contains("422")), "{complaints:?}");
    browser.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn faults_are_switched_on_and_shown_where_they_strike() {
    let _one = ONE.lock().await;
    let Some(browser) = Browser::start().await else { return };
    let stage = Stage::set(PERMISSIONS).await;
    browser.width(1200, 1000).await;
    browser.open(&stage.base).await;
    browser.click("#open-faults").await;
    browser.type_in("#faults [name='notification-twice']", "100").await;
    browser.type_in("#faults [name=seed]", "7").await;
    browser.picture("faults").await;
    browser.click("#faults [type=submit]").await;
    browser.until("document.querySelector('#faults .saved').textContent === 'Saved'").await;
    let faults = browser.gives("fetch('/sim/v1/faults').then((answer) => answer.json())").await;
    assert_eq!((&faults["seed"], &faults["chances"]), (&json!(7), &json!({"notification-twice": 100})));
    browser.click("#faults .dialog-head button").await;
    call_of_ada(&browser).await;
    browser.until("document.querySelectorAll('[data-kind=fault]').length >= 4").await;
    let told = browser.gives("document.querySelector('.rungs').innerText").await;
    assert_eq!(told.as_str().unwrap().matches("updated call establishing").count(), 2, "{told}");
    browser.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_that_was_played_by_hand_is_saved_as_a_scenario() {
    let _one = ONE.lock().await;
    let Some(browser) = Browser::start().await else { return };
    let stage = Stage::set(PERMISSIONS).await;
    browser.width(1440, 1000).await;
    browser.open(&stage.base).await;
    call_of_ada(&browser).await;
    browser.click(&format!("{ADA} [data-key='1']")).await;
    browser.until("document.querySelector('.rungs').innerText.includes('cancelMediaProcessing')").await;
    browser.click(&format!("{ADA} [data-does='hang up']")).await;
    in_state(&browser, "terminated").await;
    browser.until("document.querySelector('.rungs').innerText.includes('terminated 200/4521')").await;
    let saved = "Promise.all([import('/page/scenario.js'), import('/page/world.js')]).then(([{ scenarioOf }, { world, entriesOf }]) => { \
                 const [call] = world.calls.values(); return scenarioOf(call, entriesOf(call.id), ['Calls.AccessMedia.All']) })";
    let saved = browser.gives(saved).await;
    let scenario: toml::Table = saved.as_str().unwrap().parse().unwrap();
    let then: Vec<&str> =
        scenario["call"][0]["then"].as_array().unwrap().iter().filter_map(|step| step.as_str()).collect();
    let done: Vec<&str> = then.iter().copied().filter(|step| !step.starts_with("wait ")).collect();
    assert_eq!(done, ["await answer", "press 1", "hang up"], "{then:?}");
    let seen = |kind: &str| -> Vec<String> {
        let all = scenario["see"].as_array().unwrap().iter();
        all.filter_map(|one| one.get(kind)?.as_str().map(str::to_owned)).collect()
    };
    assert_eq!(seen("person"), ["Ada calls the bot", "Ada presses 1", "Ada hangs up"]);
    let path = "POST /calls/{id}/";
    let requests = ["answer", "subscribeToTone", "playPrompt", "cancelMediaProcessing", "playPrompt"];
    assert_eq!(seen("request"), requests.map(|request| format!("{path}{request}")));
    assert_eq!(scenario["end"][0]["result"].as_str(), Some("200/4521"));
    assert_eq!(scenario["permissions"][0].as_str(), Some("Calls.AccessMedia.All"));
    browser.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_is_reached_by_keyboard() {
    let _one = ONE.lock().await;
    let Some(browser) = Browser::start().await else { return };
    let stage = Stage::set(PERMISSIONS).await;
    browser.width(1440, 1100).await;
    browser.open(&stage.base).await;
    browser.until("document.querySelectorAll('.phone').length === 2").await;
    assert!(browser.tab_to(&format!("{ADA} [data-does=call]")).await);
    let outline = browser.gives("getComputedStyle(document.activeElement).outlineStyle").await;
    assert_eq!(outline, json!("solid"), "who has the focus is seen");
    browser.press_enter().await;
    in_state(&browser, "established").await;
    browser.until(HEARD).await;
    for selector in ["[data-key='#']", "[data-does=mute]", "[data-does=microphone]", "[data-does='hang up']"]
    {
        assert!(browser.tab_to(&format!("{ADA} {selector}")).await, "{selector}");
    }
    for selector in
        ["[data-does=join]", ".scrub input", "[data-kind=request] button.rung", "#reset", "#sound"]
    {
        assert!(browser.tab_to(selector).await, "{selector}");
    }
    // Whatever can be pressed has a name.
    let nameless = "[...document.querySelectorAll('button, input, select')].filter((one) => one.checkVisibility() && \
                    !(one.textContent.trim() || one.ariaLabel || one.labels?.length)).map((one) => one.outerHTML)";
    assert_eq!(browser.gives(nameless).await, json!([]));
    assert!(browser.tab_to(&format!("{ADA} [data-does='hang up']")).await);
    browser.press_enter().await;
    in_state(&browser, "terminated").await;
    // What had the focus is gone; the phone has it now.
    assert_eq!(browser.gives(&format!("document.activeElement.matches(\"{ADA}\")")).await, json!(true));
    browser.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_microphone_hears_is_said() {
    let _one = ONE.lock().await;
    let Some(browser) = Browser::start().await else { return };
    let stage = Stage::set(PERMISSIONS).await;
    browser.width(1440, 1000).await;
    browser.open(&stage.base).await;
    call_of_ada(&browser).await;
    let microphone = format!("{ADA} [data-does=microphone]");
    browser.click(&microphone).await;
    browser.until(&format!("document.querySelector(\"{microphone}\").textContent === 'Send'")).await;
    // The device that stands in for one beeps once a second.
    tokio::time::sleep(std::time::Duration::from_millis(1500)).await;
    browser.click(&microphone).await;
    browser.until("document.querySelector('.rungs').innerText.includes('speaks')").await;
    let wav =
        "import('/page/sound.js').then(({ wav }) => [...new Uint8Array(wav(new Float32Array([0, 1, -1])))])";
    let bytes: Vec<Value> = browser.gives(wav).await.as_array().unwrap().clone();
    assert_eq!(bytes.len(), 44 + 6);
    assert_eq!(bytes[44..], [0, 0, 0xff, 0x7f, 0x01, 0x80].map(Value::from));
    browser.end().await;
}

const CONNECTION: &str = "document.getElementById('connection').textContent";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_happened_during_a_break_is_told_after_it() {
    let _one = ONE.lock().await;
    let Some(browser) = Browser::start().await else { return };
    let mut stage = Stage::set(PERMISSIONS).await;
    browser.open(&stage.base).await;
    browser.click(&format!("{ADA} [data-does=call]")).await;
    in_state(&browser, "established").await;
    browser.click(&format!("{ADA} [data-does='hang up']")).await;
    in_state(&browser, "terminated").await;
    stage.cut();
    browser.until(&format!("{CONNECTION} === 'reconnecting'")).await;
    let call = stage.simulator.call_bot("ben", callflow_tests::APP, Vec::new()).unwrap();
    stage.mend().await;
    browser.until(&format!("{CONNECTION} === 'connected'")).await;
    browser.until("document.querySelectorAll('.call-list li').length === 2").await;
    browser.until("document.querySelector('.call h3').textContent === 'Ben calls the bot'").await;
    browser.until("document.querySelector('.rungs').innerText.includes('created call incoming')").await;
    let shown = browser.gives("location.hash").await;
    assert_eq!(shown.as_str().unwrap().trim_start_matches("#call="), call.to_lowercase());
    let numbers =
        browser.gives("[...document.querySelectorAll('.rungs li')].map((line) => line.dataset.number)").await;
    let numbers: std::collections::BTreeSet<&str> =
        numbers.as_array().unwrap().iter().map(|number| number.as_str().unwrap()).collect();
    assert_eq!(numbers.len(), browser.count(".rungs li").await, "each is told once");
    let complaints = browser.complaints().await;
    assert!(complaints.iter().all(|one| one.contains("ERR_")), "{complaints:?}");
    browser.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_simulator_at_the_same_address_is_loaded_anew() {
    let _one = ONE.lock().await;
    let Some(browser) = Browser::start().await else { return };
    let mut stage = Stage::set(PERMISSIONS).await;
    browser.open(&stage.base).await;
    call_of_ada(&browser).await;
    browser.click(&format!("{ADA} [data-does='hang up']")).await;
    in_state(&browser, "terminated").await;
    stage.restart().await;
    // A call that had ended is asked for no more: only loading all anew takes it away.
    browser.until(&format!("!document.querySelector('.call') && {CONNECTION} === 'connected'")).await;
    browser.click(&format!("{ADA} [data-does=call]")).await;
    in_state(&browser, "incoming").await;
    browser.until("document.querySelector('.rungs').innerText.includes('calls the bot')").await;
    // That nobody answered meanwhile is told by the browser itself.
    let complaints = browser.complaints().await;
    assert!(complaints.iter().all(|one| one.contains("ERR_")), "{complaints:?}");
    browser.end().await;
}
