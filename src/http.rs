//! HTTP for operators: `/metrics`, `/ready`, `/live`. Read-only.

use std::{net::SocketAddr, sync::Arc};

use axum::{
    Router,
    extract::State,
    http::{StatusCode, header},
    response::IntoResponse,
    routing::get,
};
use tokio::net::TcpListener;

use crate::{metrics::Metrics, stream::Health};

#[derive(Clone)]
struct Service {
    metrics: Metrics,
    health: Arc<Health>,
}

/// Binds, then serves in the background until the runtime ends. Returns the address, which tells the port where 0 was asked.
///
/// # Errors
/// When the address cannot be bound.
pub async fn serve(listen: SocketAddr, metrics: Metrics, health: Arc<Health>) -> std::io::Result<SocketAddr> {
    let listener = TcpListener::bind(listen).await?;
    let address = listener.local_addr()?;
    let service = Service { metrics, health };
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

async fn index() -> &'static str {
    concat!(
        "copydesk ",
        env!("CARGO_PKG_VERSION"),
        "\n/metrics  Prometheus\n/ready    200 once partitions are assigned\n/live     200 while the poll thread turns\n"
    )
}

async fn exposition(State(service): State<Service>) -> impl IntoResponse {
    match service.metrics.render() {
        Ok(text) => (StatusCode::OK, [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, [(header::CONTENT_TYPE, "text/plain; charset=utf-8")], error.to_string()),
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
