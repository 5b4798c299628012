//! Selects the proxy of a request from the environment variables.
//!
//! The HTTP client would ignore an invalid proxy, and it supports fewer forms of `NO_PROXY` than curl and the AWS CLI
//! do. Here, a proxy that cannot be used is an error.

mod direct;

use crate::error::{ConfigError, shortened};
use crate::role::Invalid;
use crate::session::Secret;
use crate::vars::Vars;
use direct::is_direct;
use hyper::Uri;
use hyper_util::client::proxy::matcher::Matcher;
use std::fmt;

/// The variables about proxies. They are parsed only when a request needs a proxy, because a launch with a cached
/// session sends no request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Proxies {
    http: Option<Setting>,
    https: Option<Setting>,
    all: Option<Setting>,
    /// The value of `NO_PROXY`, which lists the hosts that need no proxy.
    no: String,
}

/// A variable that is set, and its value. The value is secret, because the URL of a proxy may contain a password.
type Setting = (&'static str, Secret);

/// The proxy of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Proxy {
    /// `scheme://host:port`, without the user name and the password.
    pub(crate) url: String,
    pub(crate) variable: &'static str,
    /// The URL for the HTTP client, with the user name and the password.
    pub(crate) whole: Secret,
}

impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.url, self.variable)
    }
}

impl Proxies {
    /// Reads the variables. As in the HTTP client, the upper-case name takes precedence over the lower-case name, even
    /// if its value is empty.
    pub(crate) fn of(vars: &Vars) -> Self {
        // REQUEST_METHOD is set in a CGI program, whose environment also contains the request headers. There, a client
        // can set HTTP_PROXY with the header `Proxy: …`, so no proxy variable is used.
        if vars.get("REQUEST_METHOD").is_some() {
            return Self::default();
        }
        let first = |names: [&'static str; 2]| {
            let (variable, value) = names.into_iter().find_map(|name| Some((name, vars.get(name)?)))?;
            // A value that is not UTF-8 is replaced by an invalid URL, so that a request that needs this proxy fails.
            let value = value.to_str().unwrap_or("\u{fffd}");
            (!value.is_empty()).then(|| (variable, Secret::new(value)))
        };
        Self {
            http: first(["HTTP_PROXY", "http_proxy"]),
            https: first(["HTTPS_PROXY", "https_proxy"]),
            all: first(["ALL_PROXY", "all_proxy"]),
            no: ["NO_PROXY", "no_proxy"]
                .into_iter()
                .find_map(|name| vars.get(name)?.to_str())
                .unwrap_or_default()
                .into(),
        }
    }

    /// Returns the proxy for a request to this URL, or `None` if the URL needs no proxy.
    ///
    /// # Errors
    /// Fails if the variable that applies to the URL does not contain a usable proxy.
    pub(crate) fn of_request(&self, url: &str) -> Result<Option<Proxy>, ConfigError> {
        let Ok(target) = url.parse::<Uri>() else { return Ok(None) };
        let of_scheme = match target.scheme_str() {
            Some("http") => &self.http,
            Some("https") => &self.https,
            _ => return Ok(None),
        };
        let Some((variable, value)) = of_scheme.as_ref().or(self.all.as_ref()) else { return Ok(None) };
        if is_direct(&self.no, &target) {
            return Ok(None);
        }
        let whole = with_scheme(value.reveal());
        let found = Matcher::builder().all(whole.reveal()).build().intercept(&target);
        match found.as_ref().and_then(|found| name(found.uri())) {
            Some(url) => Ok(Some(Proxy { url, variable, whole })),
            None => Err(ConfigError::Value {
                of: format!("'{variable}'"),
                value: shown(value.reveal()),
                invalid: Box::new(
                    Invalid::new("must be the http or https URL of a proxy")
                        .hint("for example http://proxy.example:3128; NO_PROXY lists the hosts that need no proxy"),
                ),
            }),
        }
    }
}

/// Returns the URL with a scheme, which is `http://` by default. Accepts `//host:port` as well, as the AWS CLI does.
fn with_scheme(value: &str) -> Secret {
    Secret::new(match value {
        value if value.contains("://") => value.to_owned(),
        value => format!("http://{}", value.trim_start_matches("//")),
    })
}

/// Returns the proxy's URL without a user name and a password. Returns `None` if the HTTP client cannot use the proxy,
/// for example because it is a SOCKS proxy or its port is invalid. The client itself would use another port instead of
/// an invalid one.
fn name(proxy: &Uri) -> Option<String> {
    let (scheme, standard) = match proxy.scheme_str()? {
        "http" => ("http", 80),
        "https" => ("https", 443),
        _ => return None,
    };
    let host = proxy.host().filter(|host| !host.is_empty())?;
    let port = match proxy.authority()?.as_str().strip_prefix(host)?.strip_prefix(':') {
        None | Some("") => standard,
        Some(port) => port.parse::<u16>().ok()?,
    };
    Some(format!("{scheme}://{host}:{port}"))
}

/// Returns the value for a message: shortened, and without a user name and a password. The part before an `@` is
/// omitted. If the port is invalid, it is omitted, too, because it may be the beginning of a password: a shell may have
/// cut the URL before the `@`.
fn shown(value: &str) -> String {
    let is_scheme = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let (scheme, rest) = match value.split_once("://") {
        Some((scheme, _)) if is_scheme(scheme) => value.split_at(scheme.len() + "://".len()),
        _ => ("", value),
    };
    let is_port = |text: &str| text.trim_end_matches('/').bytes().all(|byte| byte.is_ascii_digit());
    let rest = match (rest.rsplit_once('@'), rest.split_once(':')) {
        (Some((_, host)), _) => format!("…@{host}"),
        (None, Some((host, port))) if !is_port(port) => format!("{host}:…"),
        (None, _) => rest.to_owned(),
    };
    shortened(&format!("{scheme}{rest}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::OsString;
    use std::os::unix::ffi::OsStringExt as _;

    const HTTPS: &str = "https://sts.eu-west-1.amazonaws.com";
    const HTTP: &str = "http://sts.test:8080/path";

    fn proxies(vars: &[(&str, &str)]) -> Proxies {
        Proxies::of(&vars.iter().copied().collect())
    }

    fn used(vars: &[(&str, &str)], url: &str) -> Option<String> {
        proxies(vars).of_request(url).expect("a usable proxy, or none").map(|proxy| proxy.to_string())
    }

    #[test]
    fn the_schemes_variable_takes_precedence_and_upper_case_comes_first() {
        let all = [("ALL_PROXY", "http://all:1"), ("https_proxy", "http://small:2"), ("HTTP_PROXY", "plain:3")];
        assert_eq!(used(&all, HTTPS).as_deref(), Some("http://small:2 (https_proxy)"));
        assert_eq!(used(&all, HTTP).as_deref(), Some("http://plain:3 (HTTP_PROXY)"));
        assert_eq!(used(&all[..1], HTTP).as_deref(), Some("http://all:1 (ALL_PROXY)"));
        let both = [("https_proxy", "http://small"), ("HTTPS_PROXY", "https://large")];
        assert_eq!(used(&both, HTTPS).as_deref(), Some("https://large:443 (HTTPS_PROXY)"));
        // An empty upper-case variable hides the lower-case one, so ALL_PROXY applies.
        let empty = [("HTTPS_PROXY", ""), ("https_proxy", "http://small"), ("all_proxy", "http://all")];
        assert_eq!(used(&empty, HTTPS).as_deref(), Some("http://all:80 (all_proxy)"));
        assert_eq!(used(&empty[..2], HTTPS), None);
        assert_eq!(used(&[("REQUEST_METHOD", "GET"), ("HTTPS_PROXY", "garbage::")], HTTPS), None);
    }

    #[test]
    fn hosts_that_need_no_proxy_get_none_even_if_it_is_invalid() {
        for no in ["*", "amazonaws.com", ".eu-west-1.amazonaws.com", "x, sts.eu-west-1.amazonaws.com"] {
            assert_eq!(used(&[("HTTPS_PROXY", "garbage::"), ("NO_PROXY", no)], HTTPS), None, "{no}");
        }
        let loopback = [("HTTP_PROXY", "garbage::"), ("no_proxy", "127.0.0.0/8")];
        assert_eq!(used(&loopback, "http://127.0.0.1:80/"), None);
        assert!(proxies(&loopback).of_request(HTTP).is_err());
    }

    #[test]
    fn hosts_that_need_no_proxy_are_written_as_for_curl_and_the_aws_cli() {
        const V4: &str = "http://10.1.2.3:8080/";
        const V6: &str = "http://[fd00::2]:8080/";
        for (no, url, direct) in [
            ("*", V4, true),
            ("*", V6, true),
            ("a.example, *", HTTP, true),
            ("*.amazonaws.com", HTTPS, true),
            ("*.AmazonAWS.com", HTTPS, true),
            ("*.test", "http://x.sts.test/", true),
            ("amazonaws.com.", HTTPS, true),
            ("a.example sts.test", HTTP, true),
            ("a.example\tsts.test,", HTTP, true),
            ("sts.test:8080", HTTP, true),
            (".test:8080", HTTP, true),
            ("*.test:8080", HTTP, true),
            ("*.sts.test", HTTP, true),
            (".sts.test", HTTP, true),
            ("sts.eu-west-1.amazonaws.com:443", HTTPS, true),
            ("10.1.2.3:8080", V4, true),
            ("10.0.0.0/8", V4, true),
            ("[fd00::2]", V6, true),
            ("[fd00::2]:8080", V6, true),
            ("fd00::2", V6, true),
            ("fd00::/16", V6, true),
            ("sts.test:80", HTTP, false),
            ("*:80", HTTP, false),
            ("sts.eu-west-1.amazonaws.com:80", HTTPS, false),
            ("10.1.2.3:80", V4, false),
            ("[fd00::2]:80", V6, false),
            ("*ts.test", HTTP, false),
            ("ts.test", HTTP, false),
            ("sts.test:port", HTTP, false),
            (".", HTTP, false),
            ("*.", HTTP, false),
            (",, ,", HTTP, false),
        ] {
            assert_eq!(used(&[("ALL_PROXY", "http://p"), ("NO_PROXY", no)], url).is_none(), direct, "{no} for {url}");
        }
    }

    #[test]
    fn schemes_can_be_in_upper_case_and_the_default_is_http() {
        for (proxy, shown) in [
            ("HTTP://p:1", "http://p:1 (ALL_PROXY)"),
            ("HTTPS://p", "https://p:443 (ALL_PROXY)"),
            ("Http://me:secret@p:1", "http://p:1 (ALL_PROXY)"),
            ("p:1", "http://p:1 (ALL_PROXY)"),
            ("//p:1", "http://p:1 (ALL_PROXY)"),
        ] {
            assert_eq!(used(&[("ALL_PROXY", proxy)], "HTTPS://sts.test").as_deref(), Some(shown), "{proxy}");
        }
    }

    #[test]
    fn only_the_variable_that_applies_can_be_an_error() {
        let vars = [("HTTPS_PROXY", "http://good:1"), ("HTTP_PROXY", "garbage::"), ("ALL_PROXY", "socks5://s:1080")];
        assert!(used(&vars, HTTPS).is_some());
        for (vars, url) in [(&vars[..], HTTP), (&vars[1..], HTTPS)] {
            assert!(proxies(vars).of_request(url).is_err(), "{vars:?}");
        }
    }

    #[test]
    fn an_invalid_proxy_is_shown_without_its_password() {
        for (value, shown) in [
            ("garbage::", "garbage:…"),
            ("proxy host:3128", "proxy host:3128"),
            ("socks5://me:secret@host:1080", "socks5://…@host:1080"),
            ("socks5h://host:1080", "socks5h://host:1080"),
            ("ftp://host", "ftp://host"),
            ("http://", "http://"),
            ("http://:3128", "http://:3128"),
            ("http://host:99999", "http://host:99999"),
            ("http://me:sec/ret@host:3128", "http://…@host:3128"),
            ("http://me:sec ret@host:3128", "http://…@host:3128"),
            ("http://me:secret", "http://me:…"),
            ("me:secret://x@host:1", "…@host:1"),
        ] {
            let Err(error) = proxies(&[("ALL_PROXY", value)]).of_request(HTTPS) else { panic!("{value} is taken") };
            assert_eq!(
                error.to_string(),
                format!("invalid value '{shown}' for 'ALL_PROXY': must be the http or https URL of a proxy"),
                "{value}"
            );
        }
        let not_text = [(OsString::from("HTTP_PROXY"), OsString::from_vec(vec![b'a', 0xff]))];
        assert!(Proxies::of(&not_text.into_iter().collect()).of_request(HTTP).is_err());
    }

    #[test]
    fn a_proxy_is_shown_without_its_password() {
        let vars = [("HTTPS_PROXY", "http://me:se%40cret@[::1]:3128/path")];
        assert_eq!(used(&vars, HTTPS).as_deref(), Some("http://[::1]:3128 (HTTPS_PROXY)"));
        assert!(!format!("{:?}", proxies(&vars)).contains("cret"));
    }
}
