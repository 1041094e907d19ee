//! `callflow setup`: what an administrator needs so that a bot can be called: nothing of it is secret.

use std::fmt::Write as _;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::process::ExitCode;

use callflow_core::action::Action;
use callflow_core::classification::{Hosting, Kind};
use callflow_core::media::MediaHost;
use callflow_core::permission::{Permission, Permissions, Requirement, missing, required};
use callflow_graph::client::Cloud;
use callflow_graph::configuration::Configuration;
use serde_json::{Value, json};
use uuid::Uuid;

use super::configuration::Given;
use super::{BAD_INPUT, Failure, complain, one_of, print};

#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    #[command(flatten)]
    given: Given,
    /// What the bot is called, of 30 characters at most
    #[arg(long, default_value = "callflow", value_parser = name)]
    name: String,
    /// What the bot does, as transfer; several apart by commas [default: what the built-in IVR does]
    #[arg(long, value_name = "ACTION", value_delimiter = ',', value_parser = one_of(Action::ALL, Action::name), ignore_case = true)]
    does: Vec<Action>,
    /// The folder to write into, which is made; without it everything is printed
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
}

/// What the built-in IVR does, all menus taken together.
const IVR: [Action; 6] = [
    Action::Answer,
    Action::PlayPrompt,
    Action::SubscribeToTone,
    Action::Record,
    Action::Transfer,
    Action::HangUp,
];

/// The longest short name that a Teams app may have.
///
/// Source: Teams app manifest schema (name).
const MAX_NAME: usize = 30;

/// Graph's own app id, whose permissions these are.
const GRAPH_APP: &str = "00000003-0000-0000-c000-000000000000";

/// The ids of the permissions, for command lines. What is granted for one chat is asked for in the app's manifest.
///
/// Source: Graph docs, permissions reference.
const fn role_id(permission: Permission) -> Option<&'static str> {
    match permission {
        Permission::InitiateAll => Some("284383ee-7f6e-4e40-a2a8-e85dcb029101"),
        Permission::InitiateGroupCallAll => Some("4c277553-8a09-487b-8023-29ee378d8324"),
        Permission::JoinGroupCallAll => Some("f6b49018-60ab-4f81-83bd-22caeabfed2d"),
        Permission::JoinGroupCallAsGuestAll => Some("fd7ccf6b-3d28-418b-9701-cd10f5cd2fd4"),
        Permission::AccessMediaAll => Some("a7a681dc-756e-4909-b988-f160edc6655f"),
        Permission::JoinGroupCallsChat | Permission::AccessMediaChat => None,
    }
}

fn name(text: &str) -> Result<String, String> {
    let text = text.trim();
    let is_plain = text.chars().all(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_' | '.'));
    if text.is_empty() || text.chars().count() > MAX_NAME || !is_plain {
        return Err(format!("give 1 to {MAX_NAME} letters, digits, spaces, dots and dashes"));
    }
    Ok(text.to_owned())
}

pub(super) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let configuration = match args.given.load_before_there_is_a_secret() {
        Ok(configuration) => configuration,
        Err(code) => return Ok(code),
    };
    let bot = Bot::new(&configuration, &args.name, &args.does);
    if let Err(words) = bot.check() {
        complain(words);
        return Ok(ExitCode::from(BAD_INPUT));
    }
    let files = [("manifest.json", format!("{:#}\n", bot.manifest())), ("SETUP.md", bot.guide())];
    let Some(folder) = &args.out else {
        let [(_, manifest), (_, guide)] = &files;
        return print(&format!("{guide}\n## manifest.json\n\n```json\n{manifest}```\n"));
    };
    std::fs::create_dir_all(folder).map_err(|error| cannot(folder, &error))?;
    for (name, content) in &files {
        let path = folder.join(name);
        let new = std::fs::OpenOptions::new().write(true).create_new(true).open(&path);
        match new.and_then(|mut file| std::io::Write::write_all(&mut file, content.as_bytes())) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                complain(&format!("{} is there already; remove it, or give another folder", path.display()));
                return Ok(ExitCode::from(BAD_INPUT));
            }
            Err(error) => return Err(cannot(&path, &error)),
        }
    }
    print(&format!("written: {0}/manifest.json and {0}/SETUP.md\n", folder.display()))
}

fn cannot(path: &std::path::Path, error: &std::io::Error) -> Failure {
    Failure::Because(format!("{} cannot be written: {error}; give another folder as --out", path.display()))
}

/// What is known of the bot, without its secrets.
struct Bot<'a> {
    name: &'a str,
    app_id: &'a str,
    tenant_id: &'a str,
    cloud: Cloud,
    authority: &'a str,
    callback: &'a str,
    port: u16,
    does: &'a [Action],
}

impl<'a> Bot<'a> {
    fn new(configuration: &'a Configuration, name: &'a str, does: &'a [Action]) -> Self {
        let bot = &configuration.bot;
        Self {
            name,
            app_id: &bot.credentials.app_id,
            tenant_id: &bot.credentials.tenant_id,
            cloud: bot.endpoints.cloud,
            authority: bot.endpoints.authority.trim_end_matches('/'),
            callback: &bot.callback,
            port: configuration.listen.port(),
            does: if does.is_empty() { &IVR } else { does },
        }
    }

    /// What goes into lines of a script has to be what it is taken for.
    fn check(&self) -> Result<(), &'static str> {
        let is_plain =
            |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || "-._~:/%[]".contains(c));
        if Uuid::parse_str(self.app_id).is_err() {
            return Err("`app.id` is no application id: give the GUID of the app's registration");
        }
        if !is_plain(self.tenant_id) {
            return Err("`app.tenant_id` is no tenant: give its GUID, or one of its domain names");
        }
        if !is_plain(self.callback) || !is_plain(self.authority) {
            return Err(
                "give `webhook.callback` and `cloud.authority` as plain addresses, without signs of a shell",
            );
        }
        Ok(())
    }

    fn host(&self) -> String {
        let uri = self.callback.parse::<http::Uri>().ok();
        uri.and_then(|uri| uri.host().map(str::to_owned)).unwrap_or_default()
    }

    /// The manifest of the Teams app.
    ///
    /// Source: Teams app manifest schema, version 1.17; Teams docs, register calls and meetings bot (supportsCalling).
    fn manifest(&self) -> Value {
        // The same each time, so that a second upload is an update.
        const APPS: Uuid = uuid::uuid!("0f1f4b0e-7b1c-4c3a-9d44-6f7a2d5b9e10");
        let id = Uuid::new_v5(&APPS, self.app_id.as_bytes());
        let site = format!("https://{}", self.host());
        json!({
            "$schema": "https://developer.microsoft.com/json-schemas/teams/v1.17/MicrosoftTeams.schema.json",
            "manifestVersion": "1.17",
            "version": "1.0.0",
            "id": id.to_string(),
            "developer": {
                "name": self.name,
                "websiteUrl": site,
                "privacyUrl": format!("{site}/privacy"),
                "termsOfUseUrl": format!("{site}/terms"),
            },
            "name": {"short": self.name, "full": self.name},
            "description": {
                "short": format!("{} answers calls", self.name),
                "full": format!("{} is a bot that answers and places calls in Teams.", self.name),
            },
            "icons": {"color": "color.png", "outline": "outline.png"},
            "accentColor": "#FFFFFF",
            "bots": [{
                "botId": self.app_id,
                "scopes": ["personal", "team", "groupChat"],
                "supportsCalling": true,
                "supportsVideo": false,
                "isNotificationOnly": false,
            }],
            "validDomains": [self.host()],
        })
    }

    /// The least that is enough for what the bot does, in calls of either kind.
    fn permissions(&self) -> Permissions {
        let mut needed = Permissions::NONE;
        for action in self.does {
            for (kind, hosting) in KINDS {
                let requirement = required(*action, kind, hosting, MediaHost::Service);
                while let Some(lacking) = missing(needed, requirement) {
                    needed = needed.with(lacking.first());
                }
            }
        }
        needed
    }

    fn needs(&self, action: Action, (kind, hosting): (Kind, Hosting)) -> String {
        if !self.cloud.has(action) {
            return "not in this cloud".to_owned();
        }
        match required(action, kind, hosting, MediaHost::Service) {
            Requirement::NotSupported => "not supported".to_owned(),
            Requirement::Nothing => "nothing".to_owned(),
            Requirement::Needs(needs) => needs.to_string(),
        }
    }

    /// What to do, step by step.
    ///
    /// Source: Graph docs, register a calling bot, and cloud communications phone number; Azure docs, az bot and az ad app;
    /// Teams PowerShell, application instances and application access policies.
    fn guide(&self) -> String {
        let mut text = format!("# Setting up {}\n\nNothing in here is secret.\n", self.name);
        // Writing to a text does not fail.
        let _ = self.write_guide(&mut text);
        text
    }

    fn write_guide(&self, text: &mut String) -> std::fmt::Result {
        let Self { name, app_id, tenant_id, callback, authority, port, .. } = self;
        let needed = self.permissions();
        writeln!(text, "\n## 1. Permissions\n\nBy what the bot does:\n")?;
        writeln!(text, "| action | peer-to-peer | group or meeting |\n| --- | --- | --- |")?;
        for action in self.does {
            let [p2p, group] = KINDS.map(|kind| self.needs(*action, kind));
            writeln!(text, "| {action} | {p2p} | {group} |")?;
        }
        let names: Vec<_> = needed.iter().map(Permission::name).collect();
        writeln!(
            text,
            "\nThe least that is enough for all of it (application permissions of Microsoft Graph):\n"
        )?;
        writeln!(
            text,
            "```text\n{}\n```\n",
            if names.is_empty() { "none".to_owned() } else { names.join("\n") }
        )?;
        let roles: Vec<_> = needed.iter().filter_map(role_id).map(|id| format!("{id}=Role")).collect();
        if !roles.is_empty() {
            writeln!(
                text,
                "```sh\naz ad app permission add --id {app_id} --api {GRAPH_APP} --api-permissions {}\n```\n",
                roles.join(" ")
            )?;
        }
        writeln!(
            text,
            "## 2. Consent\n\nAn administrator of each tenant whose users call the bot opens this, and again after each change of \
             the permissions:\n\n<{authority}/{tenant_id}/adminconsent?client_id={app_id}>\n\nFor another tenant its id takes the \
             place of {tenant_id}; the app has to be registered for several tenants then.\n"
        )?;
        writeln!(
            text,
            "## 3. The bot's channel\n\nThe Azure bot is registered once, in any subscription; calling is switched on at its Teams \
             channel, with the webhook:\n\n```sh\naz bot create --resource-group RESOURCE_GROUP --name {0} --app-type SingleTenant \
             --appid {app_id} --tenant-id {tenant_id}\naz bot msteams create --resource-group RESOURCE_GROUP --name {0} \
             --enable-calling true --calling-web-hook {callback}\n```\n\nIn the portal: Azure bot, Channels, Microsoft Teams, tab \
             Calling, Enable calling, webhook {callback}.\n",
            name.replace([' ', '.'], "-")
        )?;
        writeln!(
            text,
            "## 4. The Teams app\n\nPut `manifest.json` into a zip file with two icons: `color.png` of 192 by 192 pixels, and \
             `outline.png` of 32 by 32, white on transparent. Look the addresses of website, privacy and terms over: they have to \
             be yours. Upload it in the Teams admin center (Teams apps, Manage apps, Upload new app), or in Teams for yourself.\n"
        )?;
        writeln!(
            text,
            "## 5. A phone number, if people call by phone or the bot calls phones\n\n```powershell\nConnect-MicrosoftTeams\n\
             New-CsOnlineApplicationInstance -UserPrincipalName BOT@YOUR.DOMAIN -DisplayName \"{name}\" -ApplicationId {app_id}\n\
             Sync-CsOnlineApplicationInstance -ObjectId OBJECT_ID_OF_THE_INSTANCE -ApplicationId {app_id}\n\
             # Give the instance a Teams Phone Resource Account licence, then its number:\n\
             Set-CsPhoneNumberAssignment -Identity BOT@YOUR.DOMAIN -PhoneNumber +NUMBER -PhoneNumberType CallingPlan\n\
             # An instance that is there already is made this bot's by:\n\
             Set-CsOnlineApplicationInstance -Identity BOT@YOUR.DOMAIN -ApplicationId {app_id}\n```\n"
        )?;
        writeln!(
            text,
            "## 6. Meetings, if the bot looks up how to join them\n\nReading a user's meetings needs OnlineMeetings.Read.All, and a \
             policy; joining by a link needs neither:\n\n```powershell\nNew-CsApplicationAccessPolicy -Identity callflow-meetings \
             -AppIds \"{app_id}\" -Description \"{name} reads how to join\"\nGrant-CsApplicationAccessPolicy -PolicyName \
             callflow-meetings -Identity OBJECT_ID_OF_THE_ORGANIZER\n```\n"
        )?;
        writeln!(
            text,
            "## 7. From a developer's machine\n\nThe service has to reach {callback} by https, with a certificate that is trusted \
             publicly. A tunnel does: the media of the call are the service's, so that signalling and prompts are all that passes \
             it.\n\n```sh\ndevtunnel host --port-numbers {port} --allow-anonymous\n# or\ncloudflared tunnel --url \
             http://127.0.0.1:{port}\n```\n\nGive the tunnel's address, with the path, as `webhook.callback` and at the bot's \
             channel. Then look whether all is well:\n\n```sh\ncallflow check --config bot.toml\n```"
        )
    }
}

/// The two kinds of calls, as the service hosts them at first.
const KINDS: [(Kind, Hosting); 2] =
    [(Kind::PeerToPeer, Hosting::Direct), (Kind::Group, Hosting::Conversation)];

#[cfg(test)]
mod tests {
    use super::*;

    fn bot(does: &'static [Action]) -> Bot<'static> {
        Bot {
            name: "front desk",
            app_id: "8a34a46b-3d17-4adc-8dce-dc4e7d572698",
            tenant_id: "tenant-1",
            cloud: Cloud::UsGovL4,
            authority: "https://login.microsoftonline.us",
            callback: "https://bot.example/calls",
            port: 3978,
            does,
        }
    }

    #[test]
    fn the_manifest_lets_users_call_and_is_the_same_each_time() {
        let manifest = bot(&IVR).manifest();
        assert_eq!(manifest["bots"][0]["supportsCalling"], true);
        assert_eq!(manifest["bots"][0]["botId"], "8a34a46b-3d17-4adc-8dce-dc4e7d572698");
        assert_eq!(manifest["validDomains"], json!(["bot.example"]));
        let version = manifest["manifestVersion"].as_str().unwrap();
        assert!(manifest["$schema"].as_str().unwrap().contains(&format!("/teams/v{version}/")));
        assert!(Uuid::parse_str(manifest["id"].as_str().unwrap()).is_ok());
        assert_eq!(manifest, bot(&[Action::Place]).manifest());
        // The bounds of the schema.
        let length =
            |pointer: &str| manifest.pointer(pointer).and_then(Value::as_str).unwrap().chars().count();
        assert!(length("/name/short") <= 30 && length("/description/short") <= 80);
    }

    #[test]
    fn the_permissions_are_the_least_for_what_it_does() {
        for (does, needed) in [
            (&[Action::HangUp][..], &[][..]),
            (&[Action::Place], &[Permission::InitiateAll]),
            (&[Action::Record, Action::Transfer], &[Permission::InitiateAll, Permission::AccessMediaAll]),
            (&[Action::Invite], &[Permission::InitiateGroupCallAll]),
        ] {
            assert_eq!(bot(does).permissions(), Permissions::of(needed), "{does:?}");
        }
    }

    #[test]
    fn each_permission_for_a_tenant_has_its_id() {
        let mut ids: Vec<_> = Permission::ALL.iter().copied().filter_map(role_id).collect();
        assert!(ids.iter().all(|id| Uuid::parse_str(id).is_ok()));
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), 5);
    }

    #[test]
    fn the_guide_has_every_step_for_this_bot_and_cloud() {
        let guide = bot(&[Action::Record, Action::SendDtmf]).guide();
        for words in [
            "https://login.microsoftonline.us/tenant-1/adminconsent?client_id=8a34a46b",
            "a7a681dc-756e-4909-b988-f160edc6655f=Role",
            "--enable-calling true --calling-web-hook https://bot.example/calls",
            "--name front-desk",
            "Set-CsOnlineApplicationInstance -Identity",
            "New-CsApplicationAccessPolicy",
            "--port-numbers 3978",
            "not in this cloud",
        ] {
            assert!(guide.contains(words), "{words}: {guide}");
        }
    }

    #[test]
    fn what_would_break_a_line_of_a_script_is_refused() {
        let good = || bot(&IVR);
        assert_eq!(good().check(), Ok(()));
        assert!(Bot { app_id: "app-1", ..good() }.check().unwrap_err().contains("`app.id`"));
        assert!(Bot { tenant_id: "t; rm", ..good() }.check().unwrap_err().contains("`app.tenant_id`"));
        assert!(
            Bot { callback: "https://bot.example/$(x)", ..good() }.check().unwrap_err().contains("callback")
        );
    }

    #[test]
    fn a_name_that_would_break_a_line_of_a_script_is_refused() {
        for (text, is_good) in
            [("front desk", true), ("", false), ("a\"; rm", false), (&"a".repeat(31), false)]
        {
            assert_eq!(name(text).is_ok(), is_good, "{text}");
        }
    }
}
