//! The service as a whole: metrics, HTTP, models, and the stream, from start to drained end.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use crate::{
    config::Config,
    files::{Files, FilesError, Kind},
    http,
    metrics::Metrics,
    pipeline::Pipeline,
    stream::{self, Health, Settings, StreamError},
};

/// Why the service ended.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// HTTP could not listen.
    #[error("http.listen: cannot bind {address}: {error}; choose another address or stop what listens there")]
    Bind {
        /// The address asked for.
        address: SocketAddr,
        /// What the system said.
        error: std::io::Error,
    },
    /// The stream ended.
    #[error(transparent)]
    Stream(#[from] StreamError),
    /// Files of one's own could not be read.
    #[error(transparent)]
    Files(#[from] FilesError),
    /// A thread of the runtime failed.
    #[error("failed to load the models: {0}")]
    Load(String),
}

/// Runs until `shutdown` completes and everything in flight is done. `bound` is told the HTTP address.
///
/// # Errors
/// What ended the service before it was asked to end.
pub async fn run(
    config: Config,
    metrics: Metrics,
    bound: impl FnOnce(SocketAddr),
    shutdown: impl Future<Output = ()>,
) -> Result<(), ServiceError> {
    let health = Arc::new(Health::new(config.stream.max_poll_interval));
    let address = http::serve(config.listen, config.token.clone(), metrics.clone(), Arc::clone(&health))
        .await
        .map_err(|error| ServiceError::Bind { address: config.listen, error })?;
    bound(address);
    let settings = config.stream.clone();
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        brokers = settings.brokers,
        group = settings.group,
        input = ?settings.input,
        output = settings.output,
        dead_letters = settings.dead_letters,
        workers = settings.workers,
        http = %address,
        "copydesk starts"
    );
    once(config, metrics, health, shutdown).await?;
    tracing::info!("drained: everything read is published and committed");
    Ok(())
}

/// The service without its HTTP side: models, own files, and the stream.
///
/// # Errors
/// What ended it before it was asked to end.
pub async fn once(config: Config, metrics: Metrics, health: Arc<Health>, shutdown: impl Future<Output = ()>) -> Result<(), ServiceError> {
    let settings = config.stream.clone();
    let counts = metrics.clone();
    let load = move || {
        let pipeline = Pipeline::load(config.intake, config.output, config.original).bounded(config.limits, config.ladder);
        let own = [Files::new(Kind::Gazetteers, config.gazetteers), Files::new(Kind::Taxonomies, config.taxonomies)];
        let mut own: Vec<Files> = own.into_iter().filter(|files| !files.is_empty()).collect();
        own.iter_mut().try_for_each(|files| take(files, &pipeline, &counts))?;
        Ok::<_, FilesError>((Arc::new(pipeline), own))
    };
    let (pipeline, own) = tokio::task::spawn_blocking(load).await.map_err(|error| ServiceError::Load(error.to_string()))??;
    let refreshed = own.into_iter().map(|files| refresh(files, config.refresh, Arc::clone(&pipeline), metrics.clone()));
    let _refresh: Vec<AbortOnDrop> = refreshed.map(|refresh| AbortOnDrop(tokio::spawn(refresh))).collect();

    tokio::pin!(shutdown);
    tokio::select! {
        () = reach(&settings, &health) => {}
        () = &mut shutdown => {
            tracing::info!("stopped before Kafka could be reached");
            return Ok(());
        }
    }
    let lag = Arc::clone(&health);
    let work = move |message: &crate::article::Message| pipeline.process(message, lag.lag());
    Ok(stream::run(settings, metrics, health, work, shutdown).await?)
}

/// Ends a task with the function that began it.
struct AbortOnDrop(tokio::task::JoinHandle<()>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Reads files of one's own and counts it.
fn take(files: &mut Files, pipeline: &Pipeline, metrics: &Metrics) -> Result<(), FilesError> {
    let found = files.load(pipeline);
    let size = found.as_ref().ok().copied();
    match files.kind() {
        Kind::Gazetteers => metrics.gazetteer(size),
        Kind::Taxonomies => metrics.taxonomy(size),
    }
    let size = found?;
    match files.kind() {
        Kind::Gazetteers => tracing::info!(entities = size, "gazetteers loaded"),
        Kind::Taxonomies => tracing::info!(topics = size, "taxonomies loaded"),
    }
    Ok(())
}

/// Reads files again when one was replaced. Of files that cannot be read the old ones stay.
async fn refresh(mut files: Files, interval: Duration, pipeline: Arc<Pipeline>, metrics: Metrics) {
    loop {
        tokio::time::sleep(interval).await;
        let (pipeline, metrics) = (Arc::clone(&pipeline), metrics.clone());
        let look = tokio::task::spawn_blocking(move || {
            if files.changed()
                && let Err(error) = take(&mut files, &pipeline, &metrics)
            {
                tracing::error!("{error}; those read before stay in use");
            }
            files
        });
        match look.await {
            Ok(back) => files = back,
            Err(error) => {
                tracing::error!(%error, "files of your own are no longer looked at; restart to have them read again");
                return;
            }
        }
    }
}

/// Waits until a broker answers, and says once that none does.
async fn reach(settings: &Settings, health: &Health) {
    let mut said = false;
    loop {
        health.turn();
        let probe = settings.clone();
        let topics = tokio::task::spawn_blocking(move || stream::fetch_topics(&probe, Duration::from_secs(5))).await;
        match topics {
            Ok(Ok((brokers, topics))) => {
                tracing::info!(brokers, topics = topics.len(), "connected to Kafka");
                for missing in settings.topics().into_iter().filter(|needed| !topics.iter().any(|(topic, _)| topic == needed)) {
                    tracing::warn!(topic = missing, "the topic does not exist; create it with `copydesk topics create`");
                }
                return;
            }
            Ok(Err(error)) if !said => {
                said = true;
                tracing::error!(
                    brokers = settings.brokers,
                    "cannot reach Kafka, retrying until it answers; check kafka.brokers and kafka.security_protocol: {error}"
                );
            }
            Ok(Err(error)) => tracing::debug!(%error, "still no answer from Kafka"),
            Err(error) => tracing::error!(%error, "the probe failed"),
        }
        tokio::time::sleep(Duration::from_secs(2)).await;
    }
}

/// Listens for SIGINT and SIGTERM from now on; completes when one comes. Call it before anything that takes time.
pub fn signal() -> impl Future<Output = ()> {
    #[cfg(unix)]
    let terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate());
    async move {
        #[cfg(unix)]
        match terminate {
            Ok(mut terminate) => {
                tokio::select! {
                    _ = terminate.recv() => return,
                    _ = tokio::signal::ctrl_c() => return,
                }
            }
            Err(error) => tracing::error!(%error, "cannot listen for SIGTERM; only Ctrl-C stops the service"),
        }
        if let Err(error) = tokio::signal::ctrl_c().await {
            tracing::error!(%error, "cannot listen for Ctrl-C");
            std::future::pending::<()>().await;
        }
    }
}
