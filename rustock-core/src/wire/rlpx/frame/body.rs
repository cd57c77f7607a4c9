//! The body of a frame while it comes: how much of it is kept.
//!
//! No RSKIP. Stands where rskj's `FrameCodec` reads the whole body into memory, whatever its size.

use ctr::cipher::{StreamCipher, StreamCipherSeek};

use super::{
    ALWAYS_HELD_FRAME, BLOCK, Frame, FrameCipher, FrameError, MAXIMUM_HELD_FRAME, Received, decode_code,
};

/// The decrypted start of a frame that a large one is judged by.
pub(super) const PREFIX_SHOWN: usize = 2 * BLOCK;

/// What to do with a frame larger than [`ALWAYS_HELD_FRAME`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LargeFrame {
    /// Somebody waits for it: it is held up to [`MAXIMUM_HELD_FRAME`], and an error above.
    Hold,
    /// Nobody wants it: it is authenticated and dropped piece by piece.
    Skip,
    /// No honest message of its kind is so large: an error.
    Refuse,
}

/// Tells from the message code and the first bytes of the payload what to do with a large frame, before its MAC
/// could be checked.
pub type JudgeLargeFrame = fn(code: u8, payload_start: &[u8]) -> LargeFrame;

#[derive(Default)]
pub(super) struct Body {
    /// Bytes of code and payload.
    pub size: usize,
    /// Bytes still to come, padding included.
    pub missing: usize,
    /// What is kept of the decrypted body: all of it, or the start of a large one.
    pub kept: Vec<u8>,
    keeping: Keeping,
}

/// How much of a body is kept.
#[derive(Default, PartialEq, Eq)]
enum Keeping {
    #[default]
    All,
    /// Its first bytes, until they are judged.
    Unjudged,
    /// Its first bytes and no more.
    Start,
}

impl Body {
    /// A body of which nothing has come. For a large one no memory is taken before it is judged.
    pub fn new(size: usize) -> Self {
        let padded = size.next_multiple_of(BLOCK);
        let (keeping, reserved) =
            if size > ALWAYS_HELD_FRAME { (Keeping::Unjudged, PREFIX_SHOWN) } else { (Keeping::All, padded) };
        Self { size, missing: padded, kept: Vec::with_capacity(reserved), keeping }
    }

    /// Bytes to take next: a large body is looked at before any more of it is taken.
    pub fn next_step(&self) -> usize {
        match self.keeping {
            Keeping::Unjudged => PREFIX_SHOWN - self.kept.len(),
            Keeping::All | Keeping::Start => self.missing,
        }
    }

    /// Takes the next bytes, encrypted.
    pub fn take(
        &mut self,
        piece: &[u8],
        cipher: &mut FrameCipher,
        judge: JudgeLargeFrame,
    ) -> Result<(), FrameError> {
        self.missing -= piece.len();
        if self.keeping == Keeping::Start {
            // The MAC is over what is encrypted, so that what is dropped need not be decrypted.
            let position: u64 = cipher.current_pos();
            cipher.seek(position + piece.len() as u64);
            return Ok(());
        }
        let start = self.kept.len();
        self.kept.extend_from_slice(piece);
        cipher.apply_keystream(&mut self.kept[start..]);
        if self.keeping == Keeping::Unjudged && self.kept.len() == PREFIX_SHOWN {
            self.follow(judge)?;
        }
        Ok(())
    }

    fn follow(&mut self, judge: JudgeLargeFrame) -> Result<(), FrameError> {
        let (code, payload_start) = decode_code(&self.kept)?;
        let too_large = |limit| FrameError::TooLarge { code, size: self.size, limit };
        self.keeping = match judge(code, &self.kept[payload_start..]) {
            LargeFrame::Skip => Keeping::Start,
            LargeFrame::Refuse => return Err(too_large(ALWAYS_HELD_FRAME)),
            LargeFrame::Hold if self.size > MAXIMUM_HELD_FRAME => return Err(too_large(MAXIMUM_HELD_FRAME)),
            LargeFrame::Hold => Keeping::All,
        };
        if self.keeping == Keeping::All {
            // At once, as growing would need half as much again. Few frames are waited for.
            self.kept.reserve_exact(self.missing);
        }
        Ok(())
    }

    /// Lets go of a large body that is being held; the rest of it is dropped as it comes.
    pub fn skip_if_large(&mut self) {
        if self.size <= ALWAYS_HELD_FRAME || self.keeping != Keeping::All {
            return;
        }
        self.keeping = Keeping::Start;
        self.kept.truncate(PREFIX_SHOWN);
        self.kept.shrink_to_fit();
    }

    /// The message, once all of it has come and was authenticated.
    pub fn finish(mut self) -> Result<Received, FrameError> {
        self.kept.truncate(self.size);
        let (code, payload_start) = decode_code(&self.kept)?;
        Ok(match self.keeping {
            Keeping::All | Keeping::Unjudged => {
                Received::Message(Frame { code, payload_start, body: self.kept })
            }
            Keeping::Start => {
                let payload_start = self.kept.split_off(payload_start);
                Received::Discarded { code, payload_start, size: self.size }
            }
        })
    }
}
