//! What can be wrong with a parameters file, one variant per cause.

use core::fmt;

use serde_json::Value;

use super::ACTIVATION_NAMES;

/// What is wrong with a parameters file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParametersError {
    /// The text is not JSON.
    #[error("not JSON: {0}")]
    NotJson(String),
    /// The text is JSON and no object.
    #[error("one JSON object is expected, seen {seen}")]
    NotAnObject {
        /// What it is.
        seen: Kind,
    },
    /// A field is not there, and no public network has the file's chain id.
    #[error("the field {field} is missing")]
    Missing {
        /// The field.
        field: String,
    },
    /// A field holds something else than it should.
    #[error("the field {field} must be {expected}, seen {seen}")]
    WrongType {
        /// The field.
        field: String,
        /// What it should hold.
        expected: &'static str,
        /// What it holds.
        seen: Kind,
    },
    /// A number or text has the right type and no meaning.
    #[error("the field {field} must be {expected}, seen {seen}")]
    OutOfRange {
        /// The field.
        field: String,
        /// What it should hold.
        expected: String,
        /// What it holds.
        seen: String,
    },
    /// An activation that no rule here has.
    #[error("unknown activation {name}: the known ones are {}", ACTIVATION_NAMES.join(", "))]
    UnknownActivation {
        /// Its name.
        name: String,
    },
    /// The genesis is no header under the file's own activation heights.
    #[error("the field genesis is no header: {0}")]
    Genesis(String),
}

/// A kind of JSON value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool,
    /// A number.
    Number,
    /// A text.
    Text,
    /// An array.
    Array,
    /// An object.
    Object,
}

impl From<&Value> for Kind {
    fn from(value: &Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(_) => Self::Bool,
            Value::Number(_) => Self::Number,
            Value::String(_) => Self::Text,
            Value::Array(_) => Self::Array,
            Value::Object(_) => Self::Object,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Null => "null",
            Self::Bool => "true or false",
            Self::Number => "a number",
            Self::Text => "a text",
            Self::Array => "an array",
            Self::Object => "an object",
        })
    }
}
