//! A headless Chromium, driven over WebDriver.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use thirtyfour::common::capabilities::chromium::ChromiumLikeCapabilities;
use thirtyfour::{By, DesiredCapabilities, Key, LoggingPrefsLogLevel, WebDriver, WebElement};

/// How long the page may take for anything.
const PATIENCE: Duration = Duration::from_secs(30);

/// Where its pictures are kept.
fn pictures() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("page");
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// The driver's process, which ends with it.
struct Chromedriver {
    process: Child,
    address: String,
}

impl Chromedriver {
    /// None where it is not installed.
    fn start() -> Option<Self> {
        let started = Command::new("chromedriver").arg("--port=0").stdout(Stdio::piped()).spawn();
        let mut process = match started {
            Ok(process) => process,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return None,
            Err(error) => panic!("chromedriver: {error}"),
        };
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let mut ports = lines.map_while(Result::ok).filter_map(|line| {
            let (_, port) = line.split_once("started successfully on port ")?;
            port.trim_end_matches('.').parse::<u16>().ok()
        });
        let port = ports.next().expect("chromedriver says its port");
        Some(Self { process, address: format!("http://127.0.0.1:{port}") })
    }
}

impl Drop for Chromedriver {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A browser with one page.
pub(crate) struct Browser {
    driver: WebDriver,
    _process: Chromedriver,
}

impl Browser {
    /// None where there is no Chromium on this machine; with `CI=true` that is a failure.
    pub(crate) async fn start() -> Option<Self> {
        let Some(process) = Chromedriver::start() else {
            let must_be_there = std::env::var("CI").is_ok_and(|ci| ci == "true");
            assert!(!must_be_there, "chromedriver is missing: install chromium and chromium-driver");
            println!("skipped: chromedriver is not installed");
            return None;
        };
        let mut wanted = DesiredCapabilities::chrome();
        for argument in [
            "--headless=new",
            // A container's only user is root, for whom there is no sandbox; the page is our own.
            "--no-sandbox",
            "--disable-dev-shm-usage",
            "--disable-gpu",
            "--autoplay-policy=no-user-gesture-required",
            "--use-fake-device-for-media-stream",
            "--use-fake-ui-for-media-stream",
        ] {
            wanted.add_arg(argument).unwrap();
        }
        wanted.set_browser_log_level(LoggingPrefsLogLevel::All).unwrap();
        let driver = WebDriver::new(process.address.as_str(), wanted).await.unwrap();
        Some(Self { driver, _process: process })
    }

    pub(crate) async fn open(&self, address: &str) {
        self.driver.goto(address).await.unwrap();
    }

    pub(crate) async fn reload(&self) {
        self.driver.refresh().await.unwrap();
    }

    /// What a script gives.
    pub(crate) async fn gives(&self, script: &str) -> Value {
        self.driver.execute(format!("return {script}"), Vec::new()).await.unwrap().json().clone()
    }

    /// Waits until a script gives something true.
    pub(crate) async fn until(&self, script: &str) -> Value {
        let begun = Instant::now();
        loop {
            let now = self.gives(script).await;
            if !matches!(now, Value::Null | Value::Bool(false)) && now != json!("") && now != json!(0) {
                return now;
            }
            if begun.elapsed() > PATIENCE {
                self.picture("failed").await;
                let text = self.gives("document.body.innerText").await;
                panic!("{script} did not come: {now}\n{}", text.as_str().unwrap_or_default());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn find(&self, selector: &str) -> WebElement {
        let shown = format!(
            "[...document.querySelectorAll({})].find((one) => one.checkVisibility())",
            json!(selector)
        );
        self.until(&format!("{shown} !== undefined")).await;
        let found = self.driver.execute(format!("return {shown}"), Vec::new()).await.unwrap();
        found.element().unwrap()
    }

    /// Clicks as a person does: what is covered, or not there, is not clicked.
    pub(crate) async fn click(&self, selector: &str) {
        self.find(selector).await.click().await.unwrap();
    }

    pub(crate) async fn type_in(&self, selector: &str, text: &str) {
        let field = self.find(selector).await;
        field.clear().await.unwrap();
        field.send_keys(text).await.unwrap();
    }

    /// Presses keys while the element has the focus.
    pub(crate) async fn keys(&self, selector: &str, keys: &str) {
        self.find(selector).await.focus().await.unwrap();
        self.driver.action_chain().send_keys(keys).perform().await.unwrap();
    }

    /// Goes on with Tab until the element has the focus; false where it never has.
    pub(crate) async fn tab_to(&self, selector: &str) -> bool {
        for _ in 0..200 {
            if self.gives(&format!("document.activeElement.matches({})", json!(selector))).await
                == json!(true)
            {
                return true;
            }
            self.driver.action_chain().send_keys(Key::Tab).perform().await.unwrap();
        }
        false
    }

    pub(crate) async fn press_enter(&self) {
        self.driver.action_chain().send_keys(Key::Enter).perform().await.unwrap();
    }

    pub(crate) async fn accept(&self) {
        self.driver.accept_alert().await.unwrap();
    }

    pub(crate) async fn count(&self, selector: &str) -> usize {
        self.driver.find_all(By::Css(selector)).await.unwrap().len()
    }

    async fn emulate(&self, method: &str, params: Value) {
        self.driver.cdp().send_raw(method, params).await.unwrap();
    }

    pub(crate) async fn prefers(&self, scheme: &str) {
        let features = json!([{"name": "prefers-color-scheme", "value": scheme}]);
        self.emulate("Emulation.setEmulatedMedia", json!({"features": features})).await;
    }

    pub(crate) async fn width(&self, width: u32, height: u32) {
        let screen = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
        self.emulate("Emulation.setDeviceMetricsOverride", screen).await;
    }

    /// Keeps a picture of the page.
    pub(crate) async fn picture(&self, name: &str) {
        self.driver.screenshot(&pictures().join(format!("{name}.png"))).await.unwrap();
    }

    /// What went wrong in the page, by its console.
    pub(crate) async fn complaints(&self) -> Vec<String> {
        let log = self.driver.browser_log().await.unwrap();
        let is_bad = |level: &str| matches!(level, "SEVERE" | "WARNING");
        log.into_iter().filter(|entry| is_bad(&entry.level)).map(|entry| entry.message).collect()
    }

    /// Ends it; a page that complained has failed.
    pub(crate) async fn end(self) {
        let complaints = self.complaints().await;
        self.driver.quit().await.unwrap();
        assert_eq!(complaints, Vec::<String>::new());
    }
}
