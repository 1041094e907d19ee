//! How well a device of a certified video interop partner did in a call.
//!
//! Source: Graph docs, call: logTeleconferenceDeviceQuality; teleconferenceDeviceQuality and the types below it.

use std::time::Duration;

use serde_json::{Map, Value, json};

/// `teleconferenceDeviceQuality`. GUIDs are texts.
#[derive(Clone, Debug, PartialEq)]
pub struct TeleconferenceDeviceQuality {
    /// The chain of the call, as participants' notifications name it.
    pub call_chain_id: String,
    /// The participant that the device was.
    pub participant_id: String,
    /// The leg of the call between the device and the partner's service.
    pub media_leg_id: String,
    /// What the device is called.
    pub device_name: String,
    /// What it is.
    pub device_description: String,
    /// The partner's service.
    pub cloud_service: CloudService,
    /// Its media: one for each channel.
    pub media: Vec<DeviceMediaQuality>,
}

/// The partner's service, as far as it is to be named.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CloudService {
    /// Its name.
    pub name: Option<String>,
    /// The name of its instance.
    pub instance: Option<String>,
    /// Where it is deployed.
    pub deployment_id: Option<String>,
    /// In which environment.
    pub environment: Option<String>,
}

/// Which medium a channel carried.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum DeviceMedium {
    /// Sound.
    Audio,
    /// A camera.
    Video(Pictures),
    /// A shared screen.
    ScreenSharing(Pictures),
}

/// What is measured of pictures.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Pictures {
    /// Bits a second.
    pub bit_rate: BothWays<f64>,
    /// Pictures a second.
    pub frame_rate: BothWays<f64>,
}

/// A figure for what came in and what went out, as far as it was measured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BothWays<T> {
    /// Of what came in.
    pub inbound: Option<T>,
    /// Of what went out.
    pub outbound: Option<T>,
}

/// `teleconferenceDeviceMediaQuality`: one channel, as far as it was measured.
#[derive(Clone, Debug, PartialEq)]
pub struct DeviceMediaQuality {
    /// What it carried.
    pub medium: DeviceMedium,
    /// Its number, from 0.
    pub channel: u16,
    /// How long it carried something.
    pub duration: Option<Duration>,
    /// The device's address.
    pub local: Option<std::net::SocketAddr>,
    /// The address of the other side.
    pub remote: Option<std::net::SocketAddr>,
    /// Bytes a second that the link can carry.
    pub link_speed: Option<u64>,
    /// How many packets.
    pub packets: BothWays<u64>,
    /// Percent of packets lost, on average.
    pub average_loss: BothWays<f64>,
    /// Percent of packets lost, at most.
    pub maximum_loss: BothWays<f64>,
    /// Jitter, on average.
    pub average_jitter: BothWays<Duration>,
    /// Jitter, at most.
    pub maximum_jitter: BothWays<Duration>,
    /// Round trip, on average.
    pub average_round_trip: BothWays<Duration>,
    /// Round trip, at most.
    pub maximum_round_trip: BothWays<Duration>,
}

impl DeviceMediaQuality {
    /// A channel of which nothing was measured yet.
    pub const fn new(medium: DeviceMedium, channel: u16) -> Self {
        const NO_TIME: BothWays<Duration> = BothWays { inbound: None, outbound: None };
        const NO_SHARE: BothWays<f64> = BothWays { inbound: None, outbound: None };
        Self {
            medium,
            channel,
            duration: None,
            local: None,
            remote: None,
            link_speed: None,
            packets: BothWays { inbound: None, outbound: None },
            average_loss: NO_SHARE,
            maximum_loss: NO_SHARE,
            average_jitter: NO_TIME,
            maximum_jitter: NO_TIME,
            average_round_trip: NO_TIME,
            maximum_round_trip: NO_TIME,
        }
    }

    fn to_json(&self) -> Value {
        let mut members = Members(Map::new());
        let kind = match self.medium {
            DeviceMedium::Audio => "teleconferenceDeviceAudioQuality",
            DeviceMedium::Video(_) => "teleconferenceDeviceVideoQuality",
            DeviceMedium::ScreenSharing(_) => "teleconferenceDeviceScreenSharingQuality",
        };
        members.put("@odata.type", Some(format!("#microsoft.graph.{kind}")));
        members.put("channelIndex", Some(self.channel));
        members.put("mediaDuration", self.duration.map(iso_8601));
        members.put("localIPAddress", self.local.map(|local| local.ip().to_string()));
        members.put("localPort", self.local.map(|local| local.port()));
        members.put("remoteIPAddress", self.remote.map(|remote| remote.ip().to_string()));
        members.put("remotePort", self.remote.map(|remote| remote.port()));
        members.put("networkLinkSpeedInBytes", self.link_speed);
        members.put("inboundPackets", self.packets.inbound);
        members.put("outboundPackets", self.packets.outbound);
        for (extent, loss, jitter, round_trip) in [
            ("average", self.average_loss, self.average_jitter, self.average_round_trip),
            ("maximum", self.maximum_loss, self.maximum_jitter, self.maximum_round_trip),
        ] {
            members.both(extent, "PacketLossRateInPercentage", loss, Into::into);
            members.both(extent, "Jitter", jitter, |time| iso_8601(time).into());
            members.both(extent, "RoundTripDelay", round_trip, |time| iso_8601(time).into());
        }
        if let DeviceMedium::Video(pictures) | DeviceMedium::ScreenSharing(pictures) = self.medium {
            members.both("average", "BitRate", pictures.bit_rate, Into::into);
            members.both("average", "FrameRate", pictures.frame_rate, Into::into);
        }
        Value::Object(members.0)
    }
}

impl TeleconferenceDeviceQuality {
    pub(super) fn to_json(&self) -> Value {
        let mut members = Members(Map::new());
        members.put("@odata.type", Some("#microsoft.graph.teleconferenceDeviceQuality"));
        members.put("callChainId", Some(self.call_chain_id.as_str()));
        members.put("participantId", Some(self.participant_id.as_str()));
        members.put("mediaLegId", Some(self.media_leg_id.as_str()));
        members.put("deviceName", Some(self.device_name.as_str()));
        members.put("deviceDescription", Some(self.device_description.as_str()));
        members.put("cloudServiceName", self.cloud_service.name.as_deref());
        members.put("cloudServiceInstanceName", self.cloud_service.instance.as_deref());
        members.put("cloudServiceDeploymentId", self.cloud_service.deployment_id.as_deref());
        members.put("cloudServiceDeploymentEnvironment", self.cloud_service.environment.as_deref());
        let media: Vec<_> = self.media.iter().map(DeviceMediaQuality::to_json).collect();
        members.put("mediaQualityList", Some(json!(media)));
        Value::Object(members.0)
    }
}

/// The members of an object; what was not measured is left out.
struct Members(Map<String, Value>);

impl Members {
    fn put(&mut self, name: impl Into<String>, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.0.insert(name.into(), value.into());
        }
    }

    fn both<T>(&mut self, extent: &str, name: &str, ways: BothWays<T>, json: impl Fn(T) -> Value) {
        self.put(format!("{extent}Inbound{name}"), ways.inbound.map(&json));
        self.put(format!("{extent}Outbound{name}"), ways.outbound.map(&json));
    }
}

/// A duration as `PT0.5S`.
fn iso_8601(time: Duration) -> String {
    let (seconds, millis) = (time.as_secs(), time.subsec_millis());
    match millis {
        0 => format!("PT{seconds}S"),
        _ => format!("PT{seconds}.{}S", format!("{millis:03}").trim_end_matches('0')),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_in_seconds_with_what_is_behind_the_point() {
        for (millis, text) in [(0, "PT0S"), (20, "PT0.02S"), (500, "PT0.5S"), (61_001, "PT61.001S")] {
            assert_eq!(iso_8601(Duration::from_millis(millis)), text);
        }
    }

    #[test]
    fn what_was_not_measured_is_left_out() {
        let pictures = Pictures {
            bit_rate: BothWays { inbound: Some(1.5), outbound: None },
            frame_rate: BothWays { inbound: None, outbound: Some(30.0) },
        };
        let mut media = DeviceMediaQuality::new(DeviceMedium::ScreenSharing(pictures), 2);
        media.average_jitter.inbound = Some(Duration::from_millis(20));
        media.local = Some(([10, 0, 0, 1], 443).into());
        assert_eq!(
            media.to_json(),
            json!({
                "@odata.type": "#microsoft.graph.teleconferenceDeviceScreenSharingQuality", "channelIndex": 2,
                "averageInboundJitter": "PT0.02S", "localIPAddress": "10.0.0.1", "localPort": 443,
                "averageInboundBitRate": 1.5, "averageOutboundFrameRate": 30.0,
            })
        );
    }
}
