//! Spans go to an OpenTelemetry collector, as OTLP over HTTP.
//!
//! The spans are those of [`runtime`](crate::runtime): a call with its ids, and below it each request. Metrics are not among
//! them: a collector fetches those as [Prometheus](crate::metrics) does.
//!
//! ```no_run
//! use tracing_subscriber::prelude::*;
//!
//! # fn start() -> Result<(), Box<dyn std::error::Error>> {
//! let exporter = callflow_graph::otel::Exporter::try_new("http://127.0.0.1:4318/v1/traces", "my-bot")?;
//! tracing_subscriber::registry().with(exporter.layer()).init();
//! // … the bot runs, and at its end:
//! exporter.shut_down()?;
//! # Ok(())
//! # }
//! ```

use opentelemetry::trace::TracerProvider;
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider};
use tracing_opentelemetry::OpenTelemetryLayer;
use tracing_subscriber::registry::LookupSpan;

/// Why spans cannot be exported.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OtelError {
    /// The address is no https URL, nor one on loopback.
    #[error(
        "{0:?} is no address for spans: give https, or http on loopback, as http://127.0.0.1:4318/v1/traces"
    )]
    Address(String),
    /// The exporter cannot be made.
    #[error("spans cannot be exported: {0}")]
    Exporter(String),
    /// What was left could not be sent.
    #[error("the last spans were not taken: {0}; look whether the collector runs")]
    Left(String),
}

/// Sends spans, in batches, from a thread of its own: no call waits for a collector.
#[derive(Clone, Debug)]
pub struct Exporter {
    provider: SdkTracerProvider,
}

impl Exporter {
    /// To the collector at `address`, its path included, as the service `name`.
    ///
    /// # Errors
    /// [`OtelError::Address`], [`OtelError::Exporter`]
    pub fn try_new(address: &str, name: &str) -> Result<Self, OtelError> {
        let is_good = address.parse().is_ok_and(|uri| crate::transport::check_scheme(&uri).is_ok());
        if !is_good {
            return Err(OtelError::Address(address.to_owned()));
        }
        let exporter =
            SpanExporter::builder().with_http().with_endpoint(address).with_protocol(Protocol::HttpBinary);
        let exporter = exporter.build().map_err(|error| OtelError::Exporter(error.to_string()))?;
        let resource = Resource::builder().with_service_name(name.to_owned()).build();
        let provider =
            SdkTracerProvider::builder().with_resource(resource).with_batch_exporter(exporter).build();
        Ok(Self { provider })
    }

    /// The layer for a subscriber of `tracing`.
    pub fn layer<S>(&self) -> OpenTelemetryLayer<S, SdkTracer>
    where
        S: tracing::Subscriber + for<'span> LookupSpan<'span>,
    {
        OpenTelemetryLayer::new(self.provider.tracer("callflow"))
    }

    /// Sends what is left, and ends. It blocks: a task calls it by `spawn_blocking`.
    ///
    /// # Errors
    /// [`OtelError::Left`]
    pub fn shut_down(&self) -> Result<(), OtelError> {
        // The end alone would not say whether they arrived.
        let sent = self.provider.force_flush();
        let ended = self.provider.shutdown();
        sent.and(ended).map_err(|error| OtelError::Left(error.to_string()))
    }
}
