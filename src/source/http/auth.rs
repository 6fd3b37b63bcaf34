//! How a request says who asks.

use chrono::TimeDelta;
use reqwest::Url;
use reqwest::header::{AUTHORIZATION, HeaderName, HeaderValue};
use serde_json::{Value, json};

use super::Secret;
use crate::event::Timestamp;

/// How a request says who asks.
#[derive(Debug, Clone)]
pub enum Auth {
    /// It does not say.
    Nobody,
    /// A header that holds the token, after a word such as `Bearer` or `token`.
    Header {
        /// The header's name in lower case, such as `authorization`.
        name: &'static str,
        /// What stands before the token, with its blank; may be empty.
        prefix: &'static str,
        /// The token.
        token: Secret,
    },
    /// A header of any name that holds nothing but the token.
    Named {
        /// The header's name.
        name: HeaderName,
        /// The token.
        token: Secret,
    },
    /// The token as the login of HTTP Basic, with a password that nobody looks at.
    Login {
        /// The token.
        token: Secret,
    },
    /// User and password by HTTP Basic.
    Basic {
        /// The login.
        user: String,
        /// The password.
        password: Secret,
    },
    /// A token that the server gives for a while, and a new one before it ends; sent as `Bearer`.
    Grant(Grant),
}

/// OAuth client credentials: what the server gives tokens for.
#[derive(Debug, Clone)]
pub struct Grant {
    /// The path of the endpoint that gives them, below the base, such as `/oauth/tokens`.
    pub path: &'static str,
    /// The name of the client.
    pub id: String,
    /// Its secret.
    pub secret: Secret,
    /// What the tokens are to allow, in the vendor's words.
    pub scope: &'static str,
    /// How long they are to last, in seconds; the vendor's choice where left out.
    pub lifetime: Option<u32>,
}

/// What is sent with each request to say who asks, the header's value marked so that nothing prints it.
pub(super) type Credentials = (HeaderName, HeaderValue);

impl Auth {
    /// What must be in no message.
    pub(super) fn secret(&self) -> Option<&Secret> {
        match self {
            Self::Nobody => None,
            Self::Header { token: secret, .. }
            | Self::Named { token: secret, .. }
            | Self::Login { token: secret }
            | Self::Basic { password: secret, .. }
            | Self::Grant(Grant { secret, .. }) => Some(secret),
        }
    }

    /// The header to send; none where nobody asks, or a token has to be asked for first.
    pub(super) fn header(&self, client: &reqwest::Client, base: &Url) -> Result<Option<Credentials>, String> {
        match self {
            Self::Header { name, prefix, token } => {
                Ok(Some((HeaderName::from_static(name), value_of(&format!("{prefix}{}", token.expose().trim()))?)))
            }
            Self::Named { name, token } => Ok(Some((name.clone(), value_of(token.expose().trim())?))),
            Self::Login { token } => basic(client, base, token.expose().trim(), "X").map(Some),
            Self::Basic { user, password } => basic(client, base, user, password.expose()).map(Some),
            Self::Nobody | Self::Grant(_) => Ok(None),
        }
    }
}

fn basic(client: &reqwest::Client, base: &Url, user: &str, password: &str) -> Result<Credentials, String> {
    let request = client.get(base.clone()).basic_auth(user, Some(password)).build();
    let value = request.ok().and_then(|mut request| request.headers_mut().remove(AUTHORIZATION));
    value.map(|value| (AUTHORIZATION, value)).ok_or_else(|| "user, password: cannot be sent".to_owned())
}

fn value_of(text: &str) -> Result<HeaderValue, String> {
    sensitive(text).ok_or_else(|| "token: holds characters that no token has (a line break in its file?)".to_owned())
}

fn sensitive(text: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// A token that was given, and until when it may be used.
pub(super) struct Token {
    pub secret: Secret,
    pub credentials: Credentials,
    /// A new one is asked for from here on; never where its end is not told.
    pub renew_at: Option<Timestamp>,
}

impl Grant {
    /// What is asked of the endpoint.
    pub(super) fn request(&self) -> Value {
        let mut body = json!({
            "grant_type": "client_credentials",
            "client_id": self.id,
            "client_secret": self.secret.expose().trim(),
            "scope": self.scope,
        });
        if let (Some(lifetime), Some(body)) = (self.lifetime, body.as_object_mut()) {
            body.insert("expires_in".to_owned(), lifetime.into());
        }
        body
    }

    /// What it answered. Taken apart by hand: an error of the decoder would quote the token.
    pub(super) fn token(answer: &Value, now: Timestamp) -> Result<Token, (&'static str, &'static str)> {
        let Some(token) = answer.get("access_token").and_then(Value::as_str).filter(|token| !token.is_empty()) else {
            return Err(("access_token", "is missing or no text"));
        };
        let value =
            sensitive(&format!("Bearer {token}")).ok_or(("access_token", "holds characters that no token has"))?;
        let lasts = answer.get("expires_in").and_then(|lasts| lasts.as_i64().or_else(|| lasts.as_str()?.parse().ok()));
        // A tenth of its life before its end, so that no request is under way when it ends; at most ten minutes.
        let renew_at =
            lasts.filter(|lasts| *lasts > 0).map(|lasts| now + TimeDelta::seconds(lasts - (lasts / 10).min(600)));
        Ok(Token { secret: Secret::new(token), credentials: (AUTHORIZATION, value), renew_at })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_renewed_before_its_end() {
        let now = Timestamp::from_millis(0);
        for (answer, renew_after) in [
            (json!({"access_token": "abcdef", "expires_in": 300}), Some(270)),
            (json!({"access_token": "abcdef", "expires_in": "86400"}), Some(85_800)),
            (json!({"access_token": "abcdef", "expires_in": 0}), None),
            (json!({"access_token": "abcdef"}), None),
        ] {
            let token = Grant::token(&answer, now).map_err(|error| error.1).unwrap();
            assert_eq!(token.renew_at, renew_after.map(|seconds| now + TimeDelta::seconds(seconds)), "{answer}");
            assert!(token.credentials.1.is_sensitive());
        }
        for answer in
            [json!({}), json!({"access_token": 7}), json!({"access_token": ""}), json!({"access_token": "a\nb"})]
        {
            assert_eq!(Grant::token(&answer, now).err().unwrap().0, "access_token", "{answer}");
        }
    }
}
