//! The known fields of one line, and what is wrong with one that is not as it should be.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use serde::de::{self, Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use strum::{EnumString, IntoStaticStr, VariantNames};

use super::kind::Change;
use super::read::Reject;
use super::time::Timestamp;

pub(super) fn field(name: Known, reason: impl Into<String>) -> Reject {
    Reject::Field { field: name.into(), reason: reason.into() }
}

/// A JSON value, as far as the stream's fields go.
#[derive(Debug, PartialEq)]
pub(super) enum Value<'a> {
    Null,
    Flag(bool),
    Number(f64),
    Text(Cow<'a, str>),
    List(Vec<Value<'a>>),
    Object,
}

impl Value<'_> {
    pub(super) const fn type_name(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Flag(_) => "true or false",
            Self::Number(_) => "a number",
            Self::Text(_) => "a string",
            Self::List(_) => "a list",
            Self::Object => "an object",
        }
    }
}

/// The known fields of a line, in a list: a line has few, and a map would cost more than it saves.
#[derive(Debug, PartialEq)]
pub(super) struct Fields<'a>(pub(super) Vec<(Known, Value<'a>)>);

/// The name of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumString, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub(super) enum Known {
    Type,
    At,
    Conversation,
    Agent,
    From,
    Text,
    Public,
    Status,
    By,
    Customer,
    Channel,
    Team,
    Subject,
    Url,
    Direction,
    Tags,
    Priority,
    Id,
    Name,
    Email,
    Teams,
    Capacity,
    Active,
    Segment,
    State,
    Reason,
    Version,
    Source,
    Capabilities,
    Keyword,
    Macro,
    Metric,
    Due,
    Score,
    Scale,
    Comment,
    Article,
    Helpful,
    Amount,
    Currency,
    Into,
}

impl<'a> Fields<'a> {
    /// The last value of that name, as other JSON readers take it.
    pub(super) fn get(&self, name: Known) -> Option<&Value<'a>> {
        self.0.iter().rev().find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    pub(super) fn present(&self, name: Known) -> Option<&Value<'a>> {
        self.get(name).filter(|value| !matches!(value, Value::Null))
    }

    pub(super) fn wrong(name: Known, value: &Value<'_>, wanted: &str) -> Reject {
        field(name, format!("is {}, must be {wanted}", value.type_name()))
    }

    /// A non-empty string that must be there.
    pub(super) fn text(&self, name: Known) -> Result<&str, Reject> {
        self.maybe_id(name)?.ok_or_else(|| self.missing(name))
    }

    pub(super) fn missing(&self, name: Known) -> Reject {
        match self.get(name) {
            Some(value) => Self::wrong(name, value, "there"),
            None => field(name, "is missing"),
        }
    }

    pub(super) fn maybe_id(&self, name: Known) -> Result<Option<&str>, Reject> {
        match self.maybe_text(name)? {
            Some("") => Err(field(name, "is empty")),
            other => Ok(other),
        }
    }

    pub(super) fn maybe_text(&self, name: Known) -> Result<Option<&str>, Reject> {
        match self.present(name) {
            None => Ok(None),
            Some(Value::Text(text)) => Ok(Some(text)),
            Some(other) => Err(Self::wrong(name, other, "a string")),
        }
    }

    pub(super) fn maybe_string(&self, name: Known) -> Result<Option<String>, Reject> {
        Ok(self.maybe_text(name)?.map(str::to_owned))
    }

    pub(super) fn string(&self, name: Known) -> Result<String, Reject> {
        self.maybe_string(name)?.ok_or_else(|| self.missing(name))
    }

    /// A word, or a number taken as one (`"priority": 3`).
    pub(super) fn maybe_label(&self, name: Known) -> Result<Option<String>, Reject> {
        match self.present(name) {
            Some(Value::Number(n)) => Ok(Some(n.to_string())),
            _ => self.maybe_string(name),
        }
    }

    /// Left out, null or an id.
    pub(super) fn change(&self, name: Known) -> Result<Change<&str>, Reject> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::Null) => Ok(Some(None)),
            Some(_) => self.maybe_id(name).map(Some),
        }
    }

    pub(super) fn maybe_word<T: FromStr + VariantNames>(&self, name: Known) -> Result<Option<T>, Reject> {
        self.maybe_text(name)?
            .map(|word| {
                T::from_str(word).map_err(|_| {
                    let shown: String = word.chars().take(40).collect();
                    field(name, format!("is {shown:?}, must be one of {}", T::VARIANTS.join(", ")))
                })
            })
            .transpose()
    }

    pub(super) fn word<T: FromStr + VariantNames>(&self, name: Known) -> Result<T, Reject> {
        self.maybe_word(name)?.ok_or_else(|| self.missing(name))
    }

    pub(super) fn maybe_flag(&self, name: Known) -> Result<Option<bool>, Reject> {
        match self.present(name) {
            None => Ok(None),
            Some(Value::Flag(flag)) => Ok(Some(*flag)),
            Some(other) => Err(Self::wrong(name, other, "true or false")),
        }
    }

    pub(super) fn flag(&self, name: Known) -> Result<bool, Reject> {
        self.maybe_flag(name)?.ok_or_else(|| self.missing(name))
    }

    pub(super) fn maybe_number(&self, name: Known) -> Result<Option<f64>, Reject> {
        match self.present(name) {
            None => Ok(None),
            Some(Value::Number(number)) => Ok(Some(*number)),
            Some(other) => Err(Self::wrong(name, other, "a number")),
        }
    }

    pub(super) fn number_in(&self, name: Known, lowest: f64, highest: f64) -> Result<f64, Reject> {
        let number = self.maybe_number(name)?.ok_or_else(|| self.missing(name))?;
        if (lowest..=highest).contains(&number) {
            Ok(number)
        } else {
            Err(field(name, format!("is {number}, must be from {lowest} to {highest}")))
        }
    }

    pub(super) fn maybe_list(&self, name: Known) -> Result<Option<Vec<String>>, Reject> {
        let items = match self.present(name) {
            None => return Ok(None),
            Some(Value::List(items)) => items,
            Some(other) => return Err(Self::wrong(name, other, "a list of strings")),
        };
        let texts = items.iter().map(|item| match item {
            Value::Text(text) => Ok(text.clone().into_owned()),
            other => Err(field(name, format!("holds {}, must hold strings only", other.type_name()))),
        });
        texts.collect::<Result<Vec<_>, _>>().map(Some)
    }

    pub(super) fn list(&self, name: Known) -> Result<Vec<String>, Reject> {
        self.maybe_list(name)?.ok_or_else(|| self.missing(name))
    }

    pub(super) fn maybe_instant(&self, name: Known) -> Result<Option<Timestamp>, Reject> {
        self.maybe_text(name)?
            .map(|text| {
                Timestamp::parse(text).map_err(|error| {
                    let shown: String = text.chars().take(40).collect();
                    field(name, format!("{shown:?} is not RFC 3339 with a zone ({error})"))
                })
            })
            .transpose()
    }

    pub(super) fn instant(&self, name: Known) -> Result<Timestamp, Reject> {
        self.maybe_instant(name)?.ok_or_else(|| self.missing(name))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Fields<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Fields<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
                let mut fields = Vec::with_capacity(8);
                while let Some(Key(name)) = map.next_key()? {
                    match name {
                        Some(name) => fields.push((name, map.next_value()?)),
                        None => {
                            map.next_value::<IgnoredAny>()?;
                        }
                    }
                }
                Ok(Fields(fields))
            }
        }
        deserializer.deserialize_map(Object)
    }
}

/// A field's name, where the stream knows it.
struct Key(Option<Known>);

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Name;
        impl Visitor<'_> for Name {
            type Value = Key;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a field name")
            }
            fn visit_str<E>(self, name: &str) -> Result<Key, E> {
                Ok(Key(name.parse().ok()))
            }
        }
        deserializer.deserialize_str(Name)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Value<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Value<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON value")
            }
            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(Value::Null)
            }
            fn visit_bool<E>(self, flag: bool) -> Result<Self::Value, E> {
                Ok(Value::Flag(flag))
            }
            fn visit_i64<E>(self, number: i64) -> Result<Self::Value, E> {
                Ok(Value::Number(number as f64))
            }
            fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
                Ok(Value::Number(number as f64))
            }
            fn visit_f64<E>(self, number: f64) -> Result<Self::Value, E> {
                Ok(Value::Number(number))
            }
            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Value::Text(Cow::Borrowed(text)))
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Value::Text(Cow::Owned(text.to_owned())))
            }
            fn visit_seq<S: SeqAccess<'de>>(self, mut list: S) -> Result<Self::Value, S::Error> {
                let mut items = Vec::new();
                while let Some(item) = list.next_element()? {
                    items.push(item);
                }
                Ok(Value::List(items))
            }
            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Value::Object)
            }
        }
        deserializer.deserialize_any(Any)
    }
}
