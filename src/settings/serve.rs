//! The flags about programs that xassume has not started: `--serve`, `--endpoint-address` and `--env-file`.

use super::values::FlagValues;
use crate::deliver::{DeliverySettings, Via};
use crate::error::Error;
use crate::flags::ENDPOINT_ADDRESS;
use crate::role::Invalid;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// The addresses outside the loopback interface to which AWS SDKs send the token without TLS: those of the credentials
/// endpoints of ECS and EKS.
const CONTAINER_HOSTS: [IpAddr; 3] = [
    IpAddr::V4(Ipv4Addr::new(169, 254, 170, 2)),
    IpAddr::V4(Ipv4Addr::new(169, 254, 170, 23)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23)),
];
const FORMS: &str = "for example 127.0.0.1:9911, [::1]:9911, 169.254.170.2:80 or [fd00:ec2::23]:80";

/// Reads `--endpoint-address`.
///
/// # Errors
/// The value is not an address and a port, or AWS SDKs would not accept the address.
pub(super) fn endpoint_address(flags: &FlagValues) -> Result<Option<SocketAddr>, Error> {
    flags.parsed(&ENDPOINT_ADDRESS, address)
}

fn address(text: &str) -> Result<SocketAddr, Invalid> {
    let address: SocketAddr = text.parse().map_err(|_| Invalid::new("not an IP address and a port").hint(FORMS))?;
    let has_zone = matches!(address, SocketAddr::V6(address) if address.scope_id() != 0);
    if has_zone || !address.ip().is_loopback() && !CONTAINER_HOSTS.contains(&address.ip()) {
        let reason = "AWS SDKs accept only a loopback address, 169.254.170.2, 169.254.170.23 and [fd00:ec2::23]";
        return Err(Invalid::new(reason).hint(FORMS));
    }
    if address.port() == 0 {
        return Err(Invalid::new("the port must be between 1 and 65535").hint(FORMS));
    }
    Ok(address)
}

/// Checks that other programs can find the credentials of `--serve`.
///
/// # Errors
/// No file says where the credentials are, and the user has not set their address or path.
pub(super) fn refuse_unreachable(delivery: &DeliverySettings) -> Result<(), Error> {
    let (via, required) = match &delivery.via {
        _ if delivery.env_file.is_some() => return Ok(()),
        Via::Endpoint { address: Some(_), token_file: Some(_) } | Via::File { path: Some(_), .. } => return Ok(()),
        Via::Endpoint { .. } => ("endpoint", "--env-file, or --endpoint-address with --endpoint-token-file"),
        Via::File { .. } => ("file", "--credentials-file or --env-file"),
        Via::Process => ("process", "--env-file"),
        Via::Env => ("env", "another --via"),
    };
    let message = format!("--serve with --via {via} requires {required}");
    Err(Error::usage(message, "without it, no other program could find the credentials"))
}

#[cfg(test)]
mod tests {
    use super::super::mode::mode;
    use super::super::tests::values;
    use super::*;
    use crate::vars::Vars;

    #[test]
    fn only_addresses_that_sdks_accept_are_accepted() {
        for text in [
            "127.0.0.1:9911",
            "127.8.7.6:1",
            "[::1]:65535",
            "169.254.170.2:80",
            "169.254.170.23:80",
            "[fd00:ec2::23]:80",
            "[FD00:0EC2::0023]:80",
        ] {
            assert!(address(text).is_ok(), "{text}");
        }
        for (text, reason) in [
            ("9911", "not an IP address and a port"),
            ("127.0.0.1", "not an IP address and a port"),
            ("localhost:9911", "not an IP address and a port"),
            ("::1:9911", "not an IP address and a port"),
            ("[::1%1]:9911", "AWS SDKs accept only a loopback address"),
            ("127.0.0.1:65536", "not an IP address and a port"),
            ("127.0.0.1:0", "the port must be between 1 and 65535"),
            ("0.0.0.0:80", "AWS SDKs accept only a loopback address"),
            ("[::]:80", "AWS SDKs accept only a loopback address"),
            ("10.0.0.1:80", "AWS SDKs accept only a loopback address"),
            ("169.254.169.254:80", "AWS SDKs accept only a loopback address"),
            ("[::ffff:127.0.0.1]:80", "AWS SDKs accept only a loopback address"),
        ] {
            let invalid = address(text).expect_err(text);
            assert!(invalid.to_string().contains(reason), "{text}: {invalid}");
        }
    }

    #[test]
    fn a_keeper_needs_a_place_that_other_programs_can_know() {
        let found = |line: &str| mode(&values(line, &[]), &Vars::default()).map_err(|error| error.to_string());
        for line in [
            "--serve --env-file e",
            "--serve --via process --env-file e",
            "--serve --via file --env-file e",
            "--serve --via file --credentials-file f",
            "--serve --credentials-file f",
            "--serve --endpoint-address 127.0.0.1:1 --endpoint-token-file t",
        ] {
            found(line).expect(line);
        }
        for (line, expected) in [
            ("--serve --endpoint-address 127.0.0.1:1", "requires --env-file, or --endpoint-address with"),
            ("--serve --endpoint-token-file t", "requires --env-file, or --endpoint-address with"),
            // The bad address is the first error.
            ("--serve --endpoint-address 10.0.0.1:1", "invalid value '10.0.0.1:1' for '--endpoint-address'"),
        ] {
            let error = found(line).expect_err(line);
            assert!(error.contains(expected), "{error}");
        }
    }
}
