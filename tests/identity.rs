//! Who the bot is, and what that means for its calls: what its tokens say of its permissions, and in which cloud it is.
#![allow(clippy::unwrap_used, clippy::panic)] // helpers of tests, beside the tests themselves

use std::sync::{Arc, Mutex};
use std::time::Duration;

use callflow_core::event::Event;
use callflow_core::permission::{Grants, Permission, Permissions};
use callflow_graph::bot::{Bot, Call, CallHandler, Config, HandlerError, StartError};
use callflow_graph::client::{AccessToken, Cloud, Credentials, Fetch, TokenSource};
use callflow_graph::session::Target;
use callflow_graph::simulator::Faults;
use callflow_tests::{APP, PERSON, Scene, TENANT};

const STATED: Grants = Grants::Known(Permissions::of(&[Permission::JoinGroupCallAll]));
const OF_TOKEN: Grants =
    Grants::Known(Permissions::of(&[Permission::InitiateAll, Permission::AccessMediaAll]));

/// Writes down what each call was told to be granted.
#[derive(Clone, Default)]
struct Clerk {
    grants: Arc<Mutex<Vec<Grants>>>,
}

impl CallHandler for Clerk {
    type State = ();

    async fn on_event(&self, call: &mut Call<'_>, (): &mut (), event: &Event) -> Result<(), HandlerError> {
        if matches!(event, Event::Offered | Event::Created | Event::CommandFailed { .. }) {
            self.grants.lock().unwrap().push(call.machine().knowledge().grants());
            if matches!(event, Event::Offered) {
                call.answer()?;
            }
        }
        Ok(())
    }
}

async fn start(scene: &Scene, config: Config) -> (Bot, Clerk) {
    let clerk = Clerk::default();
    let transport = Arc::new(scene.net.clone());
    let bot =
        Bot::start(config, clerk.clone(), Arc::clone(&scene.store), transport, scene.clock).await.unwrap();
    scene.net.mount("bot.test", bot.router());
    (bot, clerk)
}

/// What a call that the bot places, and then one to the bot, are told.
async fn told(scene: &Scene, bot: &Bot, clerk: &Clerk) -> Vec<Grants> {
    bot.place(Target::User(PERSON.to_owned())).await.unwrap();
    tokio::time::sleep(Duration::from_secs(2)).await;
    scene.simulator.call_bot(PERSON, APP, Vec::new()).unwrap();
    tokio::time::sleep(Duration::from_secs(2)).await;
    clerk.grants.lock().unwrap().clone()
}

#[tokio::test(start_paused = true)]
async fn a_token_says_what_is_granted_to_the_calls_that_begin_after_it() {
    let scene = Scene::good();
    let (bot, clerk) = start(&scene, scene.config()).await;
    assert_eq!(told(&scene, &bot, &clerk).await, [Grants::Unknown, OF_TOKEN]);
}

#[tokio::test(start_paused = true)]
async fn what_is_stated_wins_over_what_a_token_says() {
    let scene = Scene::good();
    let (bot, clerk) = start(&scene, Config { grants: STATED, ..scene.config() }).await;
    bot.check_credentials().await.unwrap();
    assert_eq!(told(&scene, &bot, &clerk).await, [STATED, STATED]);
}

#[tokio::test(start_paused = true)]
async fn a_token_without_roles_says_nothing() {
    let scene = Scene::new(&[], Faults::default());
    let (bot, clerk) = start(&scene, scene.config()).await;
    bot.check_credentials().await.unwrap();
    assert_eq!(told(&scene, &bot, &clerk).await, [Grants::Unknown, Grants::Unknown]);
}

struct Opaque;

impl TokenSource for Opaque {
    fn token<'a>(&'a self, _: &'a str, _: &'a str) -> Fetch<'a, AccessToken> {
        Box::pin(async { Ok(AccessToken::new("opaque".into(), Duration::from_secs(3600))) })
    }
}

#[tokio::test(start_paused = true)]
async fn an_opaque_token_says_nothing() {
    let scene = Scene::good();
    let config =
        Config { credentials: Credentials::with_token_source(TENANT, APP, Opaque), ..scene.config() };
    let (bot, clerk) = start(&scene, config).await;
    bot.check_credentials().await.unwrap();
    let told = told(&scene, &bot, &clerk).await;
    assert!(!told.is_empty() && told.iter().all(|grants| *grants == Grants::Unknown), "{told:?}");
}

#[tokio::test(start_paused = true)]
async fn a_bot_does_not_start_in_a_cloud_without_calling() {
    let scene = Scene::good();
    for (cloud, starts) in
        [(Cloud::Global, true), (Cloud::UsGovL4, true), (Cloud::UsGovL5, true), (Cloud::China, false)]
    {
        let config = scene.config().in_cloud(cloud);
        assert_eq!(config.endpoints.graph, format!("{}/v1.0", cloud.graph_root()));
        let transport = Arc::new(scene.net.clone());
        let started =
            Bot::start(config, Clerk::default(), Arc::clone(&scene.store), transport, scene.clock).await;
        match started {
            Ok(_) => assert!(starts, "{cloud}"),
            Err(error) => {
                assert!(
                    !starts && matches!(error, StartError::NoCalling(refused) if refused == cloud),
                    "{error}"
                );
                assert!(error.to_string().contains(cloud.name()), "{error}");
            }
        }
    }
}
