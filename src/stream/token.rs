//! Tokens for SASL OAUTHBEARER: OpenID Connect, client credentials (RFC 6749, 4.4).
//!
//! librdkafka asks its context for a token and hands over the text of `sasl.oauthbearer.config`, which holds what is needed,
//! so that contexts need not know the settings. (Its own OIDC support needs libcurl, which the crate's build does not find.)

use std::{
    error::Error,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use rdkafka::client::OAuthToken;
use serde::{Deserialize, Serialize};
use ureq::tls::{RootCerts, TlsConfig, TlsProvider};

use super::Security;

/// How long the provider may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// What a token is asked for with.
#[derive(Debug, Serialize, Deserialize)]
struct Request {
    url: String,
    client: String,
    secret: String,
    scope: Option<String>,
}

#[derive(Deserialize)]
struct Answer {
    access_token: String,
    expires_in: Option<i64>,
}

/// The text for `sasl.oauthbearer.config`, where tokens are wanted.
pub(super) fn config(security: &Security) -> Option<String> {
    let request = Request {
        url: security.token_url.clone()?,
        client: security.client_id.clone()?,
        secret: security.client_secret.clone()?,
        scope: security.scope.clone(),
    };
    serde_json::to_string(&request).ok()
}

/// Fetches a token. Blocks.
///
/// # Errors
/// What the provider or the way to it said; never the secret.
pub(super) fn fetch(config: Option<&str>) -> Result<OAuthToken, Box<dyn Error>> {
    let request: Request = serde_json::from_str(config.unwrap_or_default()).map_err(|_| "kafka.oauth_token_url is not set")?;
    let tls = TlsConfig::builder().provider(TlsProvider::NativeTls).root_certs(RootCerts::PlatformVerifier).build();
    let agent: ureq::Agent = ureq::Agent::config_builder().timeout_global(Some(PATIENCE)).tls_config(tls).build().into();
    let credentials = STANDARD.encode(format!("{}:{}", request.client, request.secret));
    let mut form = vec![("grant_type", "client_credentials")];
    form.extend(request.scope.as_deref().map(|scope| ("scope", scope)));
    let answer = agent.post(&request.url).header("authorization", format!("Basic {credentials}")).send_form(form);
    let mut answer = answer.map_err(|error| format!("no token from kafka.oauth_token_url {}: {error}", request.url))?;
    let text = answer.body_mut().read_to_string().map_err(|error| format!("no token from {}: {error}", request.url))?;
    // The error of the parser could quote the token.
    let answer: Answer = serde_json::from_str(&text).map_err(|_| format!("{} answered something else than a token", request.url))?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let expires = i64::try_from(now)? + answer.expires_in.unwrap_or(300);
    Ok(OAuthToken { token: answer.access_token, principal_name: request.client, lifetime_ms: expires * 1_000 })
}
