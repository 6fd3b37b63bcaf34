//! The settings of a source of kind `zendesk`.

use reqwest::Url;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::source::http::{Auth, Grant, Secret, address};

/// A day: tokens are asked for anew shortly before their end.
const TOKEN_LIFETIME: u32 = 86_400;

/// The settings of a source of kind `zendesk`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The part of the account's address before `.zendesk.com`, such as `acme`. Or give `base_url`.
    #[serde(default)]
    pub subdomain: Option<String>,
    /// The whole address, where it is another than that of the subdomain.
    #[serde(default)]
    pub base_url: Option<String>,
    /// Identifier of an OAuth client of kind confidential, made by an admin under Admin Center > Apps and integrations >
    /// APIs > OAuth clients. Together with `client_secret`.
    #[serde(default)]
    pub client_id: Option<String>,
    /// Secret of that OAuth client.
    #[serde(default)]
    pub client_secret: Option<Secret>,
    /// Address of the account that `token` belongs to.
    #[serde(default)]
    pub email: Option<String>,
    /// API token, where there still is one: Zendesk makes no new ones, and ends all of them on 30 April 2027. Together
    /// with `email`.
    #[serde(default)]
    pub token: Option<Secret>,
    /// Names of the groups to watch; empty: all that the key sees.
    #[serde(default)]
    pub groups: Vec<String>,
    /// Programs that write as if they were agents, by address or number: what they write answers nobody.
    #[serde(default)]
    pub bots: Vec<String>,
    /// Accept an `http://` address of another machine: the key then travels readable.
    #[serde(default)]
    pub allow_plain_http: bool,
}

impl Settings {
    /// The address of the account, without the path of its API.
    pub(super) fn base(&self) -> Result<Url, String> {
        let (subdomain, whole) = (self.subdomain.as_deref(), self.base_url.as_deref());
        address::of_account(subdomain, whole, "zendesk.com", "/api/v2", self.allow_plain_http)
    }

    /// How requests say who asks.
    pub(super) fn auth(&self) -> Result<Auth, String> {
        let is_blank = |text: &str| text.trim().is_empty();
        match (&self.client_id, &self.client_secret, &self.email, &self.token) {
            (Some(id), Some(secret), None, None) => {
                if is_blank(id) {
                    return Err("client_id: is empty".into());
                }
                if secret.is_empty() {
                    return Err("client_secret: is empty".into());
                }
                let (id, secret) = (id.trim().to_owned(), secret.clone());
                let lifetime = Some(TOKEN_LIFETIME);
                Ok(Auth::Grant(Grant { path: "/oauth/tokens", id, secret, scope: "read", lifetime }))
            }
            (None, None, Some(email), Some(token)) => {
                if is_blank(email) || !email.contains('@') {
                    return Err("email: is no address".into());
                }
                if token.is_empty() {
                    return Err("token: is empty".into());
                }
                let email = email.trim().trim_end_matches("/token");
                Ok(Auth::Basic { user: format!("{email}/token"), password: token.clone() })
            }
            (None, None, None, None) => {
                Err("client_id: is missing; give client_id and client_secret of an OAuth client, \
                or email and token where you still have an API token"
                    .into())
            }
            (Some(_), None, None, None) => Err("client_secret: is missing beside client_id".into()),
            (None, Some(_), None, None) => Err("client_id: is missing beside client_secret".into()),
            (None, None, Some(_), None) => Err("token: is missing beside email".into()),
            (None, None, None, Some(_)) => Err("email: is missing beside token".into()),
            _ => Err("token: give either client_id and client_secret, or email and token, not both".into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::{Value, json};

    use super::*;

    fn settings(value: Value) -> Settings {
        serde_json::from_value(value).unwrap()
    }

    #[rstest]
    #[case(json!({"subdomain": "acme"}), "https://acme.zendesk.com/")]
    #[case(json!({"base_url": "https://help.acme.com/api/v2/"}), "https://help.acme.com/")]
    #[case(json!({"base_url": "http://help.acme.com", "allow_plain_http": true}), "http://help.acme.com/")]
    fn addresses(#[case] given: Value, #[case] expected: &str) {
        assert_eq!(settings(given).base().unwrap().as_str(), expected);
    }

    #[rstest]
    #[case(json!({}), "client_id: is missing; give")]
    #[case(json!({"client_id": "x"}), "client_secret: is missing")]
    #[case(json!({"client_secret": "x"}), "client_id: is missing beside")]
    #[case(json!({"client_id": "x", "client_secret": " "}), "client_secret: is empty")]
    #[case(json!({"client_id": "", "client_secret": "x"}), "client_id: is empty")]
    #[case(json!({"token": "x"}), "email: is missing")]
    #[case(json!({"email": "a@b"}), "token: is missing")]
    #[case(json!({"email": "a@b", "token": ""}), "token: is empty")]
    #[case(json!({"email": "ana", "token": "x"}), "email: is no address")]
    #[case(json!({"client_id": "x", "client_secret": "y", "email": "a@b", "token": "z"}), "token: give either")]
    fn no_credentials(#[case] given: Value, #[case] begin: &str) {
        let error = settings(given).auth().unwrap_err();
        assert!(error.starts_with(begin), "{error}");
    }

    #[test]
    fn both_sorts_of_credentials() {
        let Auth::Grant(grant) = settings(json!({"client_id": "helptop", "client_secret": "s3cret"})).auth().unwrap()
        else {
            panic!("no grant")
        };
        assert_eq!((grant.path, &*grant.id, grant.scope), ("/oauth/tokens", "helptop", "read"));
        assert!(grant.lifetime.is_some_and(|seconds| 300 < seconds && seconds < 172_800), "what Zendesk accepts");
        let Auth::Basic { user, .. } = settings(json!({"email": "ana@acme.com/token", "token": "t"})).auth().unwrap()
        else {
            panic!("no basic")
        };
        assert_eq!(user, "ana@acme.com/token");
    }
}
