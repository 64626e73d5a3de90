//! The encoding of protobuf. See <https://protobuf.dev/programming-guides/encoding/>.

/// Bytes that are not a message of the expected type.
#[derive(Debug)]
pub(super) struct Fault;

/// The value of a field.
#[derive(Clone, Copy)]
pub(super) enum Scalar<'a> {
    Varint(u64),
    Fixed64([u8; 8]),
    Fixed32,
    Bytes(&'a [u8]),
}

impl<'a> Scalar<'a> {
    pub(super) fn number(self) -> Result<i64, Fault> {
        match self {
            Scalar::Varint(value) => Ok(value.cast_signed()),
            _ => Err(Fault),
        }
    }

    pub(super) fn float(self) -> Result<f64, Fault> {
        match self {
            Scalar::Fixed64(bytes) => Ok(f64::from_le_bytes(bytes)),
            _ => Err(Fault),
        }
    }

    pub(super) fn bytes(self) -> Result<&'a [u8], Fault> {
        match self {
            Scalar::Bytes(bytes) => Ok(bytes),
            _ => Err(Fault),
        }
    }

    pub(super) fn text(self) -> Result<&'a str, Fault> {
        std::str::from_utf8(self.bytes()?).map_err(|_| Fault)
    }
}

/// Reads a message field by field.
pub(super) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Reader(bytes)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The next field: its number and its value.
    pub(super) fn next(&mut self) -> Result<Option<(u64, Scalar<'a>)>, Fault> {
        if self.0.is_empty() {
            return Ok(None);
        }
        let key = self.varint()?;
        let value = match key & 7 {
            0 => Scalar::Varint(self.varint()?),
            1 => Scalar::Fixed64(*self.take(8)?.first_chunk().ok_or(Fault)?),
            2 => {
                let length = self.varint()?;
                Scalar::Bytes(self.take(usize::try_from(length).map_err(|_| Fault)?)?)
            }
            5 => {
                self.take(4)?;
                Scalar::Fixed32
            }
            _ => return Err(Fault),
        };
        Ok(Some((key >> 3, value)))
    }

    /// A number of up to ten bytes.
    pub(super) fn varint(&mut self) -> Result<u64, Fault> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let (&byte, rest) = self.0.split_first().ok_or(Fault)?;
            self.0 = rest;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(Fault)
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], Fault> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(Fault)?;
        self.0 = rest;
        Ok(taken)
    }
}
