//! The names of Regions.

use crate::role::Invalid;

/// The Regions in the endpoint rules of the AWS SDK for Rust (`aws-sdk-sts` 1.124). This list is only for suggestions: a
/// Region that AWS adds later works, too.
#[rustfmt::skip]
const KNOWN: [&str; 46] = [
    "af-south-1", "ap-east-1", "ap-east-2", "ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1",
    "ap-south-2", "ap-southeast-1", "ap-southeast-2", "ap-southeast-3", "ap-southeast-4", "ap-southeast-5",
    "ap-southeast-6", "ap-southeast-7", "ca-central-1", "ca-west-1", "cn-north-1", "cn-northwest-1", "eu-central-1",
    "eu-central-2", "eu-isoe-west-1", "eu-north-1", "eu-south-1", "eu-south-2", "eu-west-1", "eu-west-2", "eu-west-3",
    "eusc-de-east-1", "il-central-1", "me-central-1", "me-south-1", "mx-central-1", "sa-east-1", "us-east-1",
    "us-east-2", "us-gov-east-1", "us-gov-west-1", "us-iso-east-1", "us-iso-west-1", "us-isob-east-1",
    "us-isob-west-1", "us-isof-east-1", "us-isof-south-1", "us-west-1", "us-west-2",
];
/// Names of more bytes are not compared with the known ones.
const LONGEST: usize = 32;

/// Checks the name of a Region. The name must be a label of a host name, as in botocore's `validate_region_name`. It
/// must be in lower case, because signatures contain it.
///
/// # Errors
/// Fails if the name is invalid, if it is the name of an Availability Zone in a known Region, or if it differs from a known
/// Region only in its hyphens.
pub(crate) fn region_name(text: &str) -> Result<String, Invalid> {
    if KNOWN.contains(&text) {
        return Ok(text.to_owned());
    }
    let zone_of = text.strip_suffix(|c: char| c.is_ascii_lowercase());
    if let Some(region) = zone_of.filter(|region| KNOWN.contains(region)) {
        return Err(Invalid::new("this is an Availability Zone, not a region").hint(format!("did you mean {region}?")));
    }
    let is_label = (1..=63).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && !text.starts_with('-')
        && !text.ends_with('-');
    let lower = text.to_ascii_lowercase();
    let invalid = Invalid::new("not a region name");
    let same = KNOWN.iter().find(|known| text.len() <= LONGEST && letters(known).eq(letters(text)));
    match same {
        Some(known) => Err(invalid.hint(format!("did you mean {known}?"))),
        None if is_label && lower == text => Ok(lower),
        None if is_label && lower.contains('-') => Err(invalid.hint(format!("did you mean {lower}?"))),
        None => Err(invalid.hint("regions look like eu-west-1 or us-gov-east-1")),
    }
}

/// Returns the letters and digits of a name, in lower case.
fn letters(name: &str) -> impl Iterator<Item = char> {
    name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase())
}

/// Returns the known Regions that are most similar to a label of the host name. Returns an empty list if a label is a known Region
/// itself, or if no known Region is similar.
pub(crate) fn similar_regions(host: &str) -> Vec<&'static str> {
    let labels = host.split(|c: char| !c.is_ascii_alphanumeric() && c != '-').filter(|label| label.len() <= LONGEST);
    let distances = labels.flat_map(|label| KNOWN.map(|known| (strsim::levenshtein(label, known), known)));
    let distances: Vec<_> = distances.filter(|(distance, _)| *distance <= 2).collect();
    let Some(least) = distances.iter().map(|(distance, _)| *distance).min().filter(|least| *least > 0) else {
        return Vec::new();
    };
    distances.into_iter().filter(|(distance, _)| *distance == least).map(|(_, known)| known).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_that_is_not_known_is_accepted() {
        for name in ["eu-west-1", "us-gov-west-1", "eu-west-9", "sol-mars-1", "aws-global", "local", "us-west-2-lax-1"]
        {
            assert_eq!(region_name(name).as_deref(), Ok(name));
        }
    }

    #[test]
    fn a_misspelled_region_is_suggested() {
        for (name, meant) in [
            ("EU-WEST-1", "eu-west-1?"),
            ("eu-west1", "eu-west-1?"),
            ("euwest1", "eu-west-1?"),
            ("eu_west_1", "eu-west-1?"),
            ("eu west 1", "eu-west-1?"),
            ("us-east-1a", "us-east-1?"),
            ("us-gov-west-1b", "us-gov-west-1?"),
            ("SOL-MARS-1", "sol-mars-1?"),
            ("Frankfurt", "regions look like"),
            ("", "regions look like"),
            ("eu-west-1.evil", "regions look like"),
        ] {
            let hint = region_name(name).expect_err(name).hint.unwrap_or_default();
            assert!(hint.contains(meant), "{name}: {hint}");
        }
    }

    #[test]
    fn the_region_in_a_host_name_is_compared() {
        for (host, meant) in [
            ("https://sts.eu-wst-1.amazonaws.com", &["eu-west-1"][..]),
            ("sts.us-est-1.amazonaws.com", &["us-east-1", "us-west-1"]),
            ("sts-fips.eu-central-9.api.aws", &["eu-central-1", "eu-central-2"]),
            ("sts.eu-west-1.amazonaws.com", &[]),
            ("sts.frankfurt.amazonaws.com", &[]),
            ("http://no-such-host.invalid", &[]),
            ("", &[]),
        ] {
            assert_eq!(similar_regions(host), meant, "{host}");
        }
    }

    #[test]
    fn the_known_regions_are_sorted() {
        assert!(KNOWN.is_sorted());
    }
}
