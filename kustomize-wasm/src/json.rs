//! JSON from what serde can serialise: as much of it as answers need, in a tenth of the code that
//! serializers for everything take.

use std::fmt::{Display, Write as _};

use serde::ser::{
    Impossible, Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant,
};

/// A value as JSON.
///
/// # Errors
/// The value cannot be serialised, or has a shape that no answer has.
pub(crate) fn to_string(value: &impl Serialize) -> Result<String, Error> {
    let mut out = String::new();
    value.serialize(Serializer(&mut out))?;
    Ok(out)
}

/// Why there is no JSON.
#[derive(Debug)]
pub(crate) struct Error(String);

impl Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Error {}

impl serde::ser::Error for Error {
    fn custom<T: Display>(message: T) -> Self {
        Error(message.to_string())
    }
}

fn no_such_shape<T>() -> Result<T, Error> {
    Err(Error("no answer has this shape".to_owned()))
}

struct Serializer<'a>(&'a mut String);

/// A list, map or struct that is being written.
struct Compound<'a> {
    out: &'a mut String,
    is_empty: bool,
    end: &'static str,
}

impl<'a> Compound<'a> {
    fn new(out: &'a mut String, start: char, end: &'static str) -> Self {
        out.push(start);
        Compound { out, is_empty: true, end }
    }

    fn next(&mut self) -> Serializer<'_> {
        if !self.is_empty {
            self.out.push(',');
        }
        self.is_empty = false;
        Serializer(self.out)
    }

    fn field<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) -> Result<(), Error> {
        push_text(self.next().0, name);
        self.out.push(':');
        value.serialize(Serializer(self.out))
    }

    fn finish(self) -> Result<(), Error> {
        self.out.push_str(self.end);
        Ok(())
    }
}

fn push_text(out: &mut String, text: &str) {
    out.push('"');
    let mut rest = text;
    while let Some(at) = rest.bytes().position(|byte| byte < b' ' || byte == b'"' || byte == b'\\') {
        out.push_str(&rest[..at]);
        match rest.as_bytes()[at] {
            b'\n' => out.push_str("\\n"),
            byte @ (b'"' | b'\\') => out.extend(['\\', char::from(byte)]),
            byte => {
                let _ = write!(out, "\\u{byte:04x}");
            }
        }
        rest = &rest[at + 1..];
    }
    out.push_str(rest);
    out.push('"');
}

macro_rules! numbers {
    ($($method:ident: $type:ty),*) => {$(
        fn $method(self, value: $type) -> Result<(), Error> {
            let _ = write!(self.0, "{value}");
            Ok(())
        }
    )*};
}

impl<'a> serde::Serializer for Serializer<'a> {
    type Ok = ();
    type Error = Error;
    type SerializeSeq = Compound<'a>;
    type SerializeTuple = Impossible<(), Error>;
    type SerializeTupleStruct = Impossible<(), Error>;
    type SerializeTupleVariant = Impossible<(), Error>;
    type SerializeMap = Compound<'a>;
    type SerializeStruct = Compound<'a>;
    type SerializeStructVariant = Compound<'a>;

    numbers! { serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64,
    serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64, serialize_bool: bool }

    fn serialize_f32(self, value: f32) -> Result<(), Error> {
        self.serialize_f64(f64::from(value))
    }

    /// JSON has neither infinity nor NaN.
    fn serialize_f64(self, value: f64) -> Result<(), Error> {
        if !value.is_finite() {
            return self.serialize_unit();
        }
        let _ = write!(self.0, "{value:e}");
        Ok(())
    }

    fn serialize_char(self, value: char) -> Result<(), Error> {
        self.serialize_str(value.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, value: &str) -> Result<(), Error> {
        push_text(self.0, value);
        Ok(())
    }

    fn serialize_bytes(self, _: &[u8]) -> Result<(), Error> {
        no_such_shape()
    }

    fn serialize_none(self) -> Result<(), Error> {
        self.serialize_unit()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Error> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), Error> {
        self.0.push_str("null");
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Error> {
        self.serialize_unit()
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<(), Error> {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        let mut map = Compound::new(self.0, '{', "}");
        map.field(variant, value)?;
        map.finish()
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Compound<'a>, Error> {
        Ok(Compound::new(self.0, '[', "]"))
    }

    fn serialize_tuple(self, _: usize) -> Result<Self::SerializeTuple, Error> {
        no_such_shape()
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Self::SerializeTupleStruct, Error> {
        no_such_shape()
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, Error> {
        no_such_shape()
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Compound<'a>, Error> {
        Ok(Compound::new(self.0, '{', "}"))
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Compound<'a>, Error> {
        Ok(Compound::new(self.0, '{', "}"))
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Compound<'a>, Error> {
        self.0.push('{');
        push_text(self.0, variant);
        self.0.push(':');
        Ok(Compound::new(self.0, '{', "}}"))
    }
}

impl SerializeSeq for Compound<'_> {
    type Ok = ();
    type Error = Error;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        value.serialize(self.next())
    }

    fn end(self) -> Result<(), Error> {
        self.finish()
    }
}

impl SerializeMap for Compound<'_> {
    type Ok = ();
    type Error = Error;

    /// Keys are texts in all answers; another one makes no JSON, but is no danger.
    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Error> {
        key.serialize(self.next())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.out.push(':');
        value.serialize(Serializer(self.out))
    }

    fn end(self) -> Result<(), Error> {
        self.finish()
    }
}

macro_rules! structs {
    ($($trait:ident)*) => {$(
        impl $trait for Compound<'_> {
            type Ok = ();
            type Error = Error;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                name: &'static str,
                value: &T,
            ) -> Result<(), Error> {
                self.field(name, value)
            }

            fn end(self) -> Result<(), Error> {
                self.finish()
            }
        }
    )*};
}

structs! { SerializeStruct SerializeStructVariant }

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Serialize;
    use serde_json::{Value, json};

    #[derive(Serialize)]
    #[serde(tag = "is", rename_all = "lowercase")]
    enum Tagged {
        Map { entries: BTreeMap<&'static str, i64> },
    }

    #[derive(Serialize)]
    struct Flat {
        first: Option<char>,
        #[serde(flatten)]
        rest: Tagged,
    }

    #[derive(Serialize)]
    enum Outer {
        New(Vec<Flat>),
        Struct { number: f64, not: Option<()> },
        Unit,
    }

    #[test]
    fn shapes_are_those_of_serde_json() {
        let flat = |first| Flat { first, rest: Tagged::Map { entries: [("a", -1), ("b", 2)].into() } };
        let value = vec![
            Outer::New(vec![flat(None), flat(Some('x'))]),
            Outer::Struct { number: 1.5e-7, not: None },
            Outer::Unit,
        ];
        let text = super::to_string(&value).unwrap();
        assert_eq!(
            serde_json::from_str::<Value>(&text).unwrap(),
            serde_json::to_value(value).unwrap(),
            "{text}"
        );
    }

    #[test]
    fn numbers_and_texts_come_back_as_they_were() {
        let text = "plain \" \\ \n \t \u{0} \u{1f} \u{7f} ä 🦀";
        let numbers = [0.0, -0.5, 1e300, 5e-324, 123_456_789.125, f64::MAX];
        let value = json!({ text: text, "numbers": numbers, "large": u64::MAX, "low": i64::MIN, "is": true });
        let written = super::to_string(&value).unwrap();
        assert_eq!(serde_json::from_str::<Value>(&written).unwrap(), value, "{written}");
        assert_eq!(super::to_string(&[f64::NAN].as_slice()).unwrap(), "[null]");
    }
}
