//! Which addresses credentials may be sent to.

use reqwest::Url;

/// Whether the address is this machine itself, by its host: `localhost`, 127.0.0.0/8 or `::1`.
pub fn is_loopback(url: &Url) -> bool {
    let Some(host) = url.host_str() else { return false };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.to_canonical().is_loopback())
}

/// Reads the base address of an API; the error is a sentence that names the key `base_url`.
///
/// Refused: no http(s), a user or password in it (it would end in logs), a query or fragment, which belongs to a page and may
/// hold a key, and plain http to another machine unless allowed, as the token would travel readable. The path ends
/// without a slash.
pub fn base_url(text: &str, allow_plain_http: bool) -> Result<Url, String> {
    let text = text.trim();
    let mut url =
        Url::parse(text).map_err(|error| format!("base_url: {error}; write it like https://desk.example.com"))?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err("base_url: must begin with https:// and name a host".into());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("base_url: must not hold a user or password; use the keys made for them".into());
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("base_url: must end before `?` and `#`; a key has a setting of its own".into());
    }
    if url.scheme() == "http" && !allow_plain_http && !is_loopback(&url) {
        let host = url.host_str().unwrap_or_default();
        return Err(format!(
            "base_url: http:// would send the token readable to {host}; use https://, or set allow_plain_http = true"
        ));
    }
    let path = url.path().trim_end_matches('/').to_owned();
    url.set_path(&path);
    Ok(url)
}

/// The address of an account that a vendor keeps at `SUBDOMAIN.domain`, without the path of its API: from the subdomain,
/// or from a whole address instead. The error is a sentence that names `subdomain` or `base_url`.
pub fn of_account(
    subdomain: Option<&str>,
    whole: Option<&str>,
    domain: &str,
    api: &str,
    allow_plain_http: bool,
) -> Result<Url, String> {
    match (subdomain, whole) {
        (Some(_), Some(_)) => Err("subdomain: give either this or base_url, not both".into()),
        (None, None) => Err(format!("subdomain: is missing; it is the part before .{domain} in your agents' address")),
        (None, Some(whole)) => {
            let mut base = base_url(whole, allow_plain_http)?;
            let path = base.path().trim_end_matches('/').trim_end_matches(api).to_owned();
            base.set_path(&path);
            Ok(base)
        }
        (Some(subdomain), None) => {
            let name = subdomain.trim().trim_start_matches("https://").trim_end_matches('/');
            let name = name.trim_end_matches(&*format!(".{domain}"));
            if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
                return Err(format!("subdomain: is the part before .{domain} only: letters, digits and `-`"));
            }
            base_url(&format!("https://{name}.{domain}"), false)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_is_for_this_machine_only() {
        for good in [
            "http://localhost:8085",
            "http://LOCALHOST",
            "http://127.0.0.1",
            "http://127.9.9.9:1/rt",
            "http://[::1]:80",
            "https://desk.example.com",
            "http://[::ffff:127.0.0.1]",
        ] {
            assert!(base_url(good, false).is_ok(), "{good}");
        }
        for bad in [
            "http://desk.example.com",
            "http://localhost.example.com",
            "http://127.0.0.1.example.com",
            "http://0.0.0.0",
            "http://10.0.0.1",
            "http://[2001:db8::1]",
        ] {
            let error = base_url(bad, false).unwrap_err();
            assert!(error.starts_with("base_url: http://") && error.contains("allow_plain_http"), "{bad}: {error}");
            assert!(base_url(bad, true).is_ok(), "{bad}");
        }
    }

    #[test]
    fn refuses_what_is_no_address_of_an_api() {
        for (bad, why) in [
            ("desk.example.com", "base_url:"),
            ("ftp://desk.example.com", "must begin with https://"),
            ("https://ana:pw@desk.example.com", "must not hold a user"),
            ("https://desk.example.com/api?token=pw", "must end before `?` and `#`"),
            ("https://desk.example.com/#pw", "must end before `?` and `#`"),
            ("", "base_url:"),
        ] {
            let error = base_url(bad, true).unwrap_err();
            assert!(error.contains(why) && !error.contains("pw"), "{bad}: {error}");
        }
        assert_eq!(base_url(" https://h/rt/ ", false).unwrap().as_str(), "https://h/rt");
    }

    #[test]
    fn the_address_of_an_account_is_its_subdomain_or_a_whole_one() {
        let of = |subdomain, whole| of_account(subdomain, whole, "desk.example", "/api/v2", false);
        for (subdomain, whole, expected) in [
            (Some("acme"), None, "https://acme.desk.example/"),
            (Some(" https://acme.desk.example/ "), None, "https://acme.desk.example/"),
            (None, Some("https://help.acme.com/api/v2/"), "https://help.acme.com/"),
            (None, Some("http://127.0.0.1:8080"), "http://127.0.0.1:8080/"),
        ] {
            assert_eq!(of(subdomain, whole).unwrap().as_str(), expected, "{subdomain:?} {whole:?}");
        }
        for (subdomain, whole, begin) in [
            (None, None, "subdomain: is missing; it is the part before .desk.example"),
            (Some("acme"), Some("https://x"), "subdomain: give either"),
            (Some("evil.example/x"), None, "subdomain: is the part before .desk.example only"),
            (Some("acmedesk.example"), None, "subdomain: is the part"),
            (Some(""), None, "subdomain: is the part"),
            (None, Some("http://help.acme.com"), "base_url: http://"),
        ] {
            let error = of(subdomain, whole).unwrap_err();
            assert!(error.starts_with(begin), "{subdomain:?} {whole:?}: {error}");
        }
        assert!(of_account(None, Some("http://help.acme.com"), "desk.example", "/api", true).is_ok());
    }
}
