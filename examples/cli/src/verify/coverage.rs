//! Which rules were applied to a header, and why the others were not.

use core::fmt;

use rustock_core::consensus::{
    params::NetworkParams,
    rules::fork_detection::ForkDetectionCheck,
    verify::{Applied, VerifiedHeader},
};
use serde::{Serialize, Serializer, ser::SerializeSeq};

macro_rules! named {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $code:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $name { $($(#[$variant_doc])* $variant),+ }

        impl $name {
            /// The name in JSON, which does not change between releases.
            pub const fn code(self) -> &'static str {
                match self { $(Self::$variant => $code),+ }
            }
        }
    };
}

named! {
    /// Rules that need the same things.
    Group {
        /// The network's first block is this one.
        Genesis = "genesis",
        /// What the header proves alone, its Bitcoin proof included.
        Header = "header",
        /// The comparison with the parent.
        Parent = "parent",
        /// Fork-detection data, from the ancestors.
        ForkDetection = "fork_detection",
        /// Not ahead of the clock.
        Clock = "clock",
        /// The body is the one that the header commits to.
        Body = "body",
        /// The uncles are ones that the block may have.
        Uncles = "uncles",
        /// The transactions are the ones that the header commits to.
        Transactions = "transactions",
    }
}

named! {
    /// Why a group was not applied.
    Reason {
        /// The header was taken as context, by wish.
        TrustedFirst = "trusted_first",
        /// The parameters file names no genesis.
        NoGenesis = "no_genesis",
        /// The parent is not in the file.
        NoParent = "no_parent",
        /// Ancestors are not in the file.
        AncestorsMissing = "ancestors_missing",
        /// The network has the rules on times switched off.
        SwitchedOff = "switched_off",
        /// No body was given.
        NoBody = "no_body",
        /// Uncles are compared with those of the ancestors.
        AncestorBodiesMissing = "ancestor_bodies_missing",
        /// This release does not have the rule.
        NotSupported = "not_supported",
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TrustedFirst => "taken as context with --trust-first",
            Self::NoGenesis => "the parameters file names no genesis",
            Self::NoParent => "its parent is not in the file",
            Self::AncestorsMissing => "of its 449 ancestors some are not in the file",
            Self::SwitchedOff => "the network has its rules on times switched off",
            Self::NoBody => "no body was given",
            Self::AncestorBodiesMissing => "bodies of ancestors missing",
            Self::NotSupported => "not supported yet",
        })
    }
}

/// Every group, in the order they are shown.
const GROUPS: [Group; 8] = [
    Group::Genesis,
    Group::Header,
    Group::Parent,
    Group::ForkDetection,
    Group::Clock,
    Group::Body,
    Group::Uncles,
    Group::Transactions,
];

/// What became of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// The header has none of these rules.
    NotInForce,
    /// The rules were applied.
    Applied,
    /// They were not.
    NotApplied(Reason),
}

/// What became of each group, for one header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Coverage([Status; GROUPS.len()]);

impl Coverage {
    /// Of the network's genesis.
    pub fn genesis() -> Self {
        Self::none().with(Group::Genesis, Status::Applied)
    }

    /// Of a header at height 0 when the genesis is not known.
    pub fn unknown_genesis() -> Self {
        Self::none().with(Group::Genesis, Status::NotApplied(Reason::NoGenesis))
    }

    /// Of a first header that nothing was asked of but its form.
    pub fn trusted_first() -> Self {
        let not_applied = Status::NotApplied(Reason::TrustedFirst);
        Self([not_applied; GROUPS.len()]).with(Group::Genesis, Status::NotInForce)
    }

    /// Of a verified header without its body.
    pub fn of(header: &VerifiedHeader, params: &NetworkParams) -> Self {
        let Applied { parent_rules, fork_detection } = header.applied();
        let fork_detection = match fork_detection {
            ForkDetectionCheck::Checked => Status::Applied,
            ForkDetectionCheck::NotApplied => Status::NotApplied(Reason::AncestorsMissing),
            ForkDetectionCheck::NotRequired => Status::NotInForce,
        };
        let applied_unless = |reason, missing| {
            if missing { Status::NotApplied(reason) } else { Status::Applied }
        };
        Self::none()
            .with(Group::Header, Status::Applied)
            .with(Group::Parent, applied_unless(Reason::NoParent, !parent_rules))
            .with(Group::ForkDetection, fork_detection)
            .with(Group::Clock, applied_unless(Reason::SwitchedOff, params.max_future.is_zero()))
            .with(Group::Body, Status::NotApplied(Reason::NoBody))
            .with(Group::Uncles, Status::NotApplied(Reason::NoBody))
            .with(Group::Transactions, Status::NotApplied(Reason::NoBody))
    }

    fn none() -> Self {
        Self([Status::NotInForce; GROUPS.len()])
    }

    /// The same with another status for one group.
    pub fn with(mut self, group: Group, status: Status) -> Self {
        self.0[group as usize] = status;
        self
    }

    /// What became of the group.
    pub fn status(&self, group: Group) -> Status {
        self.0[group as usize]
    }

    /// The groups that were applied.
    pub fn applied(&self) -> impl Iterator<Item = Group> + '_ {
        GROUPS.into_iter().filter(|group| self.status(*group) == Status::Applied)
    }

    /// The groups that were not applied though they are in force, and why.
    pub fn not_applied(&self) -> impl Iterator<Item = (Group, Reason)> + '_ {
        GROUPS.into_iter().filter_map(|group| match self.status(group) {
            Status::NotApplied(reason) => Some((group, reason)),
            _ => None,
        })
    }

    /// True when the group is in force and was not applied.
    pub fn lacks(&self, group: Group) -> bool {
        matches!(self.status(group), Status::NotApplied(_))
    }
}

/// `header, parent; not applied: fork_detection (why), body (why)`.
impl fmt::Display for Coverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let applied: Vec<_> = self.applied().map(Group::code).collect();
        f.write_str(if applied.is_empty() { "none" } else { "" })?;
        f.write_str(&applied.join(", "))?;
        let mut last = None;
        let mut lead = "; not ";
        for (group, reason) in self.not_applied() {
            match last {
                Some(same) if same == reason => write!(f, ", {}", group.code())?,
                Some(other) => write!(f, " ({other}){lead}{}", group.code())?,
                None => write!(f, "{lead}{}", group.code())?,
            }
            last = Some(reason);
            lead = ", not ";
        }
        last.map_or(Ok(()), |reason| write!(f, " ({reason})"))
    }
}

/// Names of the applied groups.
pub fn serialize_applied<S: Serializer>(coverage: &Coverage, to: S) -> Result<S::Ok, S::Error> {
    to.collect_seq(coverage.applied().map(Group::code))
}

/// `{"rules", "because"}` for each group that was not applied.
pub fn serialize_not_applied<S: Serializer>(coverage: &Coverage, to: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct NotApplied {
        rules: &'static str,
        because: &'static str,
    }
    let mut sequence = to.serialize_seq(None)?;
    for (group, reason) in coverage.not_applied() {
        sequence.serialize_element(&NotApplied { rules: group.code(), because: reason.code() })?;
    }
    sequence.end()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_groups_stand_at_their_own_places() {
        for (place, group) in GROUPS.into_iter().enumerate() {
            assert_eq!(group as usize, place);
            assert_eq!(Coverage::none().with(group, Status::Applied).applied().collect::<Vec<_>>(), [group]);
        }
    }

    #[test]
    fn groups_that_lack_the_same_are_named_together() {
        let text = Coverage::trusted_first().to_string();
        assert_eq!(
            text,
            "none; not header, parent, fork_detection, clock, body, uncles, transactions (taken as context with --trust-first)"
        );
        assert_eq!(Coverage::genesis().to_string(), "genesis");
        let mixed = Coverage::genesis()
            .with(Group::Parent, Status::NotApplied(Reason::NoParent))
            .with(Group::Body, Status::NotApplied(Reason::NoBody));
        assert_eq!(
            mixed.to_string(),
            "genesis; not parent (its parent is not in the file), not body (no body was given)"
        );
    }
}
