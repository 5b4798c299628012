//! The rules for conflicts between flags that exist only for certain roles or source credentials. Which roles and
//! credentials there are depends on the profiles.

use super::draft::Draft;
use super::request::Request;
use super::source::Source;
use crate::conflicts::{Given, Otherwise, Rule, Side, Values};
use crate::event::Ignored;
use crate::flags::{DURATION, EXTERNAL_ID, Flag, MFA_SERIAL, PROFILE, SOURCE_IDENTITY, TAG, TRANSITIVE_TAG};
use crate::role::SessionDuration;

/// The source credentials and the roles, as far as the profiles and the environment determine them.
#[derive(Debug)]
pub(super) struct Start {
    pub(super) source: Source,
    pub(super) drafts: Vec<Draft>,
    /// The settings that were ignored to get this source and these roles, each with the reason.
    pub(super) notes: Vec<Ignored>,
}

/// What is known of the plan before the flags are applied to the roles.
#[derive(Debug)]
pub(super) struct Outline {
    pub(super) request: Request,
    pub(super) start: Start,
    /// What `start` would be without the variable that selects a web identity token. `None` if no such variable is set,
    /// or if it must not be ignored.
    pub(super) without_token: Option<Start>,
}

/// The flags that apply to `AssumeRole` calls only.
pub(super) const FOR_ASSUME_ROLE: [&Flag; 5] = [&EXTERNAL_ID, &TAG, &TRANSITIVE_TAG, &SOURCE_IDENTITY, &MFA_SERIAL];

const GIVEN_FOR_ASSUME_ROLE: &[Side<Outline>] = &[
    |outline| outline.given(&EXTERNAL_ID),
    |outline| outline.given(&TAG),
    |outline| outline.given(&TRANSITIVE_TAG),
    |outline| outline.given(&SOURCE_IDENTITY),
    |outline| outline.given(&MFA_SERIAL),
];

/// The rules. If two values that conflict are both kept, `hops` returns an error later.
pub(super) const RULES: &[Rule<Outline>] = &[
    Rule { one: token_of_only_role, others: GIVEN_FOR_ASSUME_ROLE, otherwise: Otherwise::Later(None) },
    Rule {
        one: |outline| outline.naming().filter(|_| outline.start.is_unsigned()),
        others: GIVEN_FOR_ASSUME_ROLE,
        otherwise: Otherwise::Later(Some(|outline| {
            format!("{} is assumed with a web identity token", outline.last_role())
        })),
    },
    Rule {
        one: |outline| outline.naming().filter(|_| outline.start.drafts.len() > 1),
        others: &[more_than_an_hour],
        otherwise: Otherwise::Later(Some(|outline| {
            let (of, role) = (outline.start.drafts.len(), outline.last_role());
            format!("role chaining is capped at 1h, for {role} (role {of} of {of})")
        })),
    },
    Rule { one: longest_of_only_role, others: &[device], otherwise: Otherwise::Later(None) },
];

fn token_of_only_role(outline: &Outline) -> Option<Given> {
    outline.without_token.as_ref()?;
    outline.request.token_origin().map(Given::from).filter(|_| outline.start.is_unsigned())
}

fn more_than_an_hour(outline: &Outline) -> Option<Given> {
    let duration = outline.request.options.duration?;
    outline
        .given(&DURATION)
        .filter(|_| matches!(duration, SessionDuration::Exactly(time) if time > SessionDuration::HOUR))
}

fn longest_of_only_role(outline: &Outline) -> Option<Given> {
    let longest = outline.request.options.duration == Some(SessionDuration::Max) && outline.start.drafts.len() == 1;
    outline.given(&DURATION).filter(|_| longest)
}

/// Returns the value that selects the MFA device. This is `--mfa-serial` if it is set. Otherwise, it is `--profile` if
/// a profile in the chain sets `mfa_serial`. Returns `None` if no role has a device, or if neither `--profile` nor its
/// variable selected the profile with the device.
fn device(outline: &Outline) -> Option<Given> {
    let of_profile = || {
        let has_device = outline.start.drafts.iter().any(|draft| draft.options.mfa_serial.is_some());
        let given = outline.given(&PROFILE).filter(|_| has_device && !outline.start.source.is_web_identity())?;
        Some(Given { replaceable: false, ..given })
    };
    outline.given(&MFA_SERIAL).or_else(of_profile)
}

impl Outline {
    fn given(&self, flag: &'static Flag) -> Option<Given> {
        self.request.given(flag).map(Given::from)
    }

    /// Returns the flag or the variable that selects the roles. Without this value, xassume would assume other roles,
    /// or none, so the value cannot be ignored. Returns `None` if neither a flag nor a variable of xassume selects the
    /// roles.
    fn naming(&self) -> Option<Given> {
        Some(Given { replaceable: false, ..self.request.naming()?.into() })
    }

    fn last_role(&self) -> String {
        self.start.drafts.last().map(|draft| draft.role.to_string()).unwrap_or_default()
    }
}

impl Start {
    /// Checks whether there is only one role, and it is assumed with a web identity token.
    pub(super) fn is_unsigned(&self) -> bool {
        self.source.is_web_identity() && self.drafts.len() == 1
    }
}

impl Values for Outline {
    fn remove(&mut self, flag: &'static Flag) {
        let is_token = self.request.token_origin().is_some_and(|origin| origin.flag() == flag);
        self.request.remove(flag);
        if is_token && let Some(start) = self.without_token.take() {
            self.start = start;
        }
    }
}
