//! Running a scenario against a bot.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http::header::CONTENT_TYPE;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::check::{Check, Failure};
use super::file::{Act, Scenario, TellAct};
use super::placeholder;
use super::report::Report;
use crate::clock::Clock;
use crate::simulator::{Simulator, SimulatorError, Stage};
use crate::transport::Transport;

/// How soon, and how late at most, is looked again whether the calls are as they should be: in between as long as nothing
/// has happened.
const LOOK_AFTER: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(10));
/// How long the bot may take to answer who operates it. It may answer only when the call is over.
const TOLD_WITHIN: Duration = Duration::from_secs(3600);

/// Where a scenario is run.
#[derive(Clone)]
pub struct Site<'a> {
    /// Graph, set up by [`Scenario::set_up`], with nothing done to it yet.
    pub simulator: &'a Simulator,
    /// The app that is called.
    pub app: String,
    /// Its tenant.
    pub tenant: String,
    /// Where the bot is told to do something: scheme and authority, `http://127.0.0.1:3978`.
    pub bot: String,
    /// How it is reached.
    pub transport: Arc<dyn Transport>,
    /// The simulator's clock.
    pub clock: Clock,
}

impl std::fmt::Debug for Site<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Site")
            .field("simulator", &self.simulator)
            .field("bot", &self.bot)
            .finish_non_exhaustive()
    }
}

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// The stage could not be set.
    #[error(transparent)]
    Stage(#[from] SimulatorError),
    /// The bot did not start.
    #[error("the bot does not start: {0}")]
    Bot(Box<dyn std::error::Error>),
}

/// Runs a scenario in this process against the bot that `start` puts on the stage, which is dropped afterwards. With a seed,
/// notifications fail by its chances. Under a paused tokio clock it takes no time.
///
/// # Errors
/// [`RunError`]: nothing was run. That the bot does something else than the scenario says is no error: [`Report::failure`].
pub async fn run<B>(
    scenario: &Scenario,
    seed: Option<u64>,
    start: impl AsyncFnOnce(&Stage) -> Result<B, Box<dyn std::error::Error>>,
) -> Result<Report, RunError> {
    let stage = Stage::try_with(|config| scenario.set_up(config, seed))?;
    let bot = start(&stage).await.map_err(RunError::Bot)?;
    let config = stage.config();
    let site = Site {
        simulator: &stage.simulator,
        app: config.credentials.app_id.clone(),
        tenant: config.credentials.tenant_id.clone(),
        bot: "https://bot.test".to_owned(),
        transport: stage.transport(),
        clock: stage.clock,
    };
    let report = site.perform(scenario, seed).await;
    drop(bot);
    Ok(report)
}

impl Site<'_> {
    /// Runs a scenario. `seed` is the one that the simulator was set up with.
    pub async fn perform(&self, scenario: &Scenario, seed: Option<u64>) -> Report {
        let begun = self.clock.now_millis();
        let mut ids = scenario.ids();
        ids.extend([("tenant".to_owned(), self.tenant.clone()), ("app".to_owned(), self.app.clone())]);
        let mut check = Check::new(scenario, ids, seed.is_some(), begun);
        let failure = self.play(scenario, &mut check).await.err();
        let took = Duration::from_millis(self.clock.now_millis().saturating_sub(begun));
        let Check { entries, met, .. } = check;
        Report { name: scenario.name.clone(), seed, failure, entries, begun, took, met }
    }

    async fn play(&self, scenario: &Scenario, check: &mut Check<'_>) -> Result<(), Failure> {
        let begun = Instant::now();
        let mut seen = self.simulator.watch();
        let (tell, mut told) = mpsc::unbounded_channel();
        let mut acts = scenario.acts.iter().peekable();
        let (mut met_since, mut last) = (None, begun);
        loop {
            while let Some((_, act)) = acts.next_if(|(at, _)| begun.elapsed() >= *at) {
                self.act(act, check, &tell)?;
            }
            let is_met = acts.peek().is_none() && check.is_met(&self.simulator.calls());
            let since = *met_since.get_or_insert_with(Instant::now);
            if !is_met {
                met_since = None;
            } else if since.elapsed() >= check.quiet() {
                return check.end(&self.simulator.calls());
            }
            let look = if is_met { LOOK_AFTER.0 } else { last.elapsed().clamp(LOOK_AFTER.0, LOOK_AFTER.1) };
            let next = acts.peek().map_or(look, |(at, _)| look.min(at.saturating_sub(begun.elapsed())));
            let deadline = check.deadline();
            let left = deadline.as_ref().map_or(next, |(at, _)| self.until(*at).min(next));
            tokio::select! {
                biased;
                Some(entry) = seen.recv() => {
                    check.take(entry)?;
                    last = Instant::now();
                    // Whoever is silent is silent from the last entry on.
                    met_since = None;
                }
                Some(failed) = told.recv() => return Err(failed),
                () = tokio::time::sleep(left.min(scenario.limit.saturating_sub(begun.elapsed()))) => {
                    if let Some((_, failure)) = deadline.filter(|(at, _)| self.clock.now_millis() > *at) {
                        return Err(failure);
                    }
                }
            }
            if begun.elapsed() >= scenario.limit {
                return Err(check
                    .unmet()
                    .or_else(|| check.end(&self.simulator.calls()).err())
                    .unwrap_or_else(|| Failure {
                        line: None,
                        expected: format!("an end within {:?}", scenario.limit),
                        seen: "things still happen; give a longer `limit`".to_owned(),
                        entry: None,
                        nearly: None,
                    }));
            }
        }
    }

    /// How long it is until a moment of the clock is over.
    fn until(&self, at: u64) -> Duration {
        Duration::from_millis(at.saturating_add(1).saturating_sub(self.clock.now_millis()))
    }

    fn act(
        &self,
        act: &Act,
        check: &mut Check<'_>,
        tell: &mpsc::UnboundedSender<Failure>,
    ) -> Result<(), Failure> {
        let failed = |reason: String| Failure {
            line: None,
            expected: match act {
                Act::Call(call) => format!("{} calls the bot", call.from),
                Act::Tell(act) => format!("the bot is told {} {}", act.method, act.path),
                Act::Add { person } => format!("{person} is added to the first call"),
            },
            seen: reason,
            entry: None,
            nearly: None,
        };
        match act {
            Act::Call(call) => {
                let (from, then) = (check.id(&call.from), call.then.clone());
                let called = if call.recording {
                    self.simulator.call_recorder(&from, &self.app, then)
                } else {
                    self.simulator.call_bot(&from, &self.app, then)
                };
                check.began(called.map_err(|error| failed(error.to_string()))?);
                Ok(())
            }
            Act::Add { person } => {
                let call =
                    check.first_call().ok_or_else(|| failed("there is no call to add to".to_owned()))?;
                self.simulator.add_to_call(call, &check.id(person)).map_err(failed)
            }
            Act::Tell(act) => {
                let told = self.tell(act, check);
                let (tell, words) = (tell.clone(), format!("{} {}", act.method, act.path));
                tokio::spawn(async move {
                    if let Err(reason) = told.await {
                        // Nobody listens once the run is over.
                        let _ = tell.send(Failure {
                            line: None,
                            expected: format!("the bot answers {words} with 2xx"),
                            seen: reason,
                            entry: None,
                            nearly: None,
                        });
                    }
                });
                Ok(())
            }
        }
    }

    fn tell(
        &self,
        act: &TellAct,
        check: &Check<'_>,
    ) -> impl Future<Output = Result<(), String>> + Send + 'static {
        let body = act.body.as_ref().map(|body| check.filled(body));
        let body = body.map_or_else(Bytes::new, |body| body.to_string().into());
        let request = Request::builder()
            .method(act.method.as_str())
            .uri(format!("{}{}", self.bot.trim_end_matches('/'), act.path))
            .header(CONTENT_TYPE, "application/json")
            .body(body);
        let transport = Arc::clone(&self.transport);
        async move {
            let request = request.map_err(|error| error.to_string())?;
            let sent = tokio::time::timeout(TOLD_WITHIN, transport.send(request)).await;
            let response = sent.map_err(|_| "no answer".to_owned())?.map_err(|error| error.to_string())?;
            let status = response.status();
            if status.is_success() {
                Ok(())
            } else {
                Err(format!("{status} {}", placeholder::cut(&String::from_utf8_lossy(response.body()))))
            }
        }
    }
}
