//! The lines around what is wrong, as miette shows them.

use miette::{MietteError, MietteSpanContents, SourceCode, SourceSpan, SpanContents};
use outrigger_model::document::Span;

/// What is shown of a line that is longer than that is only what is around the mark.
const LINE_LENGTH_MAX: usize = 300;
/// So much before the mark.
const BEFORE: usize = 60;
/// So much from its beginning on.
const AFTER: usize = 120;

/// A text, of which one span is to be shown.
#[derive(Debug)]
pub(super) struct Excerpt<'a> {
    name: &'a str,
    text: &'a str,
    span: Span,
}

impl<'a> Excerpt<'a> {
    /// A span of a text; what goes over several lines is marked on its first.
    pub(super) fn new(name: &'a str, text: &'a str, span: Span) -> Self {
        let start = floor(text, span.start.min(text.len()));
        let rest = text.get(start..).unwrap_or_default();
        let line_end = start + rest.find(['\n', '\r']).unwrap_or(rest.len());
        let end = floor(text, span.end.clamp(start, line_end.min(start + AFTER)));
        let span = Span { start, end, ..span };
        Self { name, text, span }
    }

    /// What is marked.
    pub(super) fn mark(&self) -> SourceSpan {
        (self.span.start, self.span.end - self.span.start).into()
    }

    fn line_start(&self, offset: usize) -> usize {
        let before = self.text.get(..offset).unwrap_or_default();
        before.rfind('\n').map_or(0, |newline| newline + 1)
    }

    fn line_end(&self, offset: usize) -> usize {
        let rest = self.text.get(offset..).unwrap_or_default();
        rest.find('\n').map_or(self.text.len(), |newline| offset + newline)
    }

    /// From where to where the text is shown, and on which line that begins, from 0.
    fn window(&self) -> (usize, usize, usize) {
        let line = self.span.line.saturating_sub(1);
        let (mut start, mut end) = (self.line_start(self.span.start), self.line_end(self.span.start));
        if end - start > LINE_LENGTH_MAX {
            let from = floor(self.text, self.span.start.saturating_sub(BEFORE).max(start));
            let to = floor(self.text, (self.span.start + AFTER).max(self.span.end).min(end));
            return (from, to, line);
        }
        let is_short = |start: usize, end: usize| end - start <= LINE_LENGTH_MAX;
        let mut first = line;
        if start > 0 {
            let before = self.line_start(start - 1);
            if is_short(before, start) {
                (start, first) = (before, line.saturating_sub(1));
            }
        }
        if end < self.text.len() {
            let after = self.line_end(end + 1);
            if is_short(end, after) {
                end = after;
            }
        }
        (start, end, first)
    }
}

impl SourceCode for Excerpt<'_> {
    fn read_span<'a>(
        &'a self,
        _: &SourceSpan,
        lines_before: usize,
        _: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let (start, end, line, column) = match lines_before {
            // Only where it is: shown above the lines.
            0 => (
                self.span.start,
                self.span.end,
                self.span.line.saturating_sub(1),
                self.span.column.saturating_sub(1),
            ),
            _ => {
                let (start, end, line) = self.window();
                (start, end, line, 0)
            }
        };
        let data = self.text.as_bytes().get(start..end).ok_or(MietteError::OutOfBounds)?;
        Ok(Box::new(MietteSpanContents::new_named(
            self.name.to_owned(),
            data,
            (start, end - start).into(),
            line,
            column,
            1,
        )))
    }
}

/// The nearest place before a byte, or there, at which a character begins.
fn floor(text: &str, mut offset: usize) -> usize {
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    offset
}
