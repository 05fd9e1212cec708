//! HTTP for operators: `/metrics`, `/ready`, `/live`. Read-only; behind a token where one is set, but for the two probes.

use std::{net::SocketAddr, sync::Arc};

use axum::{
    Router,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use sha2::{Digest, Sha256};
use tokio::net::TcpListener;

use crate::{config::Secret, metrics::Metrics, stream::Health};

#[derive(Clone)]
struct Service {
    metrics: Metrics,
    health: Arc<Health>,
    token: Option<Secret>,
    /// Whether others than this machine can come here.
    exposed: bool,
}

/// Binds, then serves in the background until the runtime ends. Returns the address, which tells the port where 0 was asked.
///
/// # Errors
/// When the address cannot be bound.
pub async fn serve(listen: SocketAddr, token: Option<Secret>, metrics: Metrics, health: Arc<Health>) -> std::io::Result<SocketAddr> {
    let listener = TcpListener::bind(listen).await?;
    let address = listener.local_addr()?;
    let service = Service { metrics, health, token, exposed: !address.ip().is_loopback() };
    let router = Router::new()
        .route("/", get(index))
        .route("/metrics", get(exposition))
        .route("/ready", get(ready))
        .route("/live", get(live))
        .with_state(service);
    tokio::spawn(async move {
        if let Err(error) = axum::serve(listener, router).await {
            tracing::error!(%error, "the HTTP server ended");
        }
    });
    Ok(address)
}

/// Why somebody may not see what they asked for, if so.
fn refusal(service: &Service, headers: &HeaderMap) -> Option<Response> {
    let wanted = &service.token.as_ref()?.0;
    let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).and_then(|value| value.strip_prefix("Bearer "));
    // Hashes of equal length tell nothing by the time their comparison takes.
    let same = given.is_some_and(|given| Sha256::digest(given) == Sha256::digest(wanted));
    let refused = (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, "Bearer")], "send http.token as 'Authorization: Bearer …'\n");
    (!same).then(|| refused.into_response())
}

async fn index(State(service): State<Service>, headers: HeaderMap) -> Response {
    if service.exposed && service.token.is_none() {
        return (StatusCode::FORBIDDEN, "http.listen is beyond loopback: set http.token to see this page\n").into_response();
    }
    if let Some(refusal) = refusal(&service, &headers) {
        return refusal;
    }
    concat!(
        "copydesk ",
        env!("CARGO_PKG_VERSION"),
        "\n/metrics  Prometheus\n/ready    200 once partitions are assigned\n/live     200 while the poll thread turns\n"
    )
    .into_response()
}

async fn exposition(State(service): State<Service>, headers: HeaderMap) -> Response {
    if let Some(refusal) = refusal(&service, &headers) {
        return refusal;
    }
    match service.metrics.render() {
        Ok(text) => (StatusCode::OK, [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

async fn ready(State(service): State<Service>) -> (StatusCode, String) {
    match service.health.quarantined() {
        Some(share) => (
            StatusCode::SERVICE_UNAVAILABLE,
            format!(
                "not ready: reading has stopped, {:.0} % of the last messages were rejected (quarantine.share); mend the cause and restart\n",
                share * 100.0
            ),
        ),
        None if service.health.is_ready() => (StatusCode::OK, "ready\n".to_owned()),
        None => (StatusCode::SERVICE_UNAVAILABLE, "not ready: the consumer group has assigned no partitions yet\n".to_owned()),
    }
}

async fn live(State(service): State<Service>) -> (StatusCode, &'static str) {
    match service.health.is_live() {
        true => (StatusCode::OK, "live\n"),
        false => (StatusCode::SERVICE_UNAVAILABLE, "not live: the poll thread did not turn within kafka.max_poll_interval\n"),
    }
}
