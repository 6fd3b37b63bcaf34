//! The settings of a source of kind `gorgias`.

use reqwest::Url;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::source::http::{Auth, Secret, address};

/// The settings of a source of kind `gorgias`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The part of the account's address before `.gorgias.com`, such as `acme`. Or give `base_url`.
    #[serde(default)]
    pub subdomain: Option<String>,
    /// The whole address, where it is another than that of the subdomain.
    #[serde(default)]
    pub base_url: Option<String>,
    /// Address of the user who made the key.
    #[serde(default)]
    pub email: Option<String>,
    /// API key of an admin: Settings > REST API.
    #[serde(default)]
    pub token: Option<Secret>,
    /// Accept an `http://` address of another machine: the key then travels readable.
    #[serde(default)]
    pub allow_plain_http: bool,
}

impl Settings {
    /// The address of the account, without the path of its API.
    pub(super) fn base(&self) -> Result<Url, String> {
        let (subdomain, whole) = (self.subdomain.as_deref(), self.base_url.as_deref());
        address::of_account(subdomain, whole, "gorgias.com", "/api", self.allow_plain_http)
    }

    /// How requests say who asks.
    pub(super) fn auth(&self) -> Result<Auth, String> {
        let email = self.email.as_deref().map(str::trim).filter(|email| !email.is_empty());
        let email = email.ok_or("email: is missing; it is the address of the user who made the key")?;
        if !email.contains('@') {
            return Err("email: is no address".into());
        }
        let token = self.token.clone().filter(|token| !token.is_empty());
        let password = token.ok_or("token: is missing; it is the API key from Settings > REST API")?;
        Ok(Auth::Basic { user: email.to_owned(), password })
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
    #[case(json!({"subdomain": "acme"}), "https://acme.gorgias.com/")]
    #[case(json!({"base_url": "https://help.acme.com/api/"}), "https://help.acme.com/")]
    #[case(json!({"base_url": "http://help.acme.com", "allow_plain_http": true}), "http://help.acme.com/")]
    fn addresses(#[case] given: Value, #[case] expected: &str) {
        assert_eq!(settings(given).base().unwrap().as_str(), expected);
    }

    #[rstest]
    #[case(json!({}), "email: is missing")]
    #[case(json!({"email": "ana", "token": "x"}), "email: is no address")]
    #[case(json!({"email": "a@b"}), "token: is missing")]
    #[case(json!({"email": "a@b", "token": ""}), "token: is missing")]
    fn no_credentials(#[case] given: Value, #[case] begin: &str) {
        let error = settings(given).auth().unwrap_err();
        assert!(error.starts_with(begin), "{error}");
    }
}
