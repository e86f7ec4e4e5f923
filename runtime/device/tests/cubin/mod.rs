//! What machine code for NVIDIA GPUs says of its kernels: an ELF file with notes in `.nv.info`.

/// What a kernel uses.
#[derive(Debug)]
pub(crate) struct Kernel {
    pub(crate) name: String,
    /// Registers of a thread.
    pub(crate) registers: usize,
    /// Local memory of a thread, in bytes.
    pub(crate) stack: usize,
    /// Static shared memory of a block, in bytes.
    pub(crate) shared: usize,
}

/// Kinds of notes.
const FRAME_SIZE: u8 = 0x11;
const REGISTERS: u8 = 0x2f;

struct Section<'c> {
    name: u32,
    kind: u32,
    size: usize,
    link: usize,
    bytes: &'c [u8],
}

fn number(bytes: &[u8], at: usize, width: usize) -> usize {
    bytes[at..at + width]
        .iter()
        .rev()
        .fold(0, |sum, byte| sum << 8 | usize::from(*byte))
}

fn sections(code: &[u8]) -> Vec<Section<'_>> {
    assert_eq!(&code[..5], b"\x7fELF\x02", "64-bit ELF");
    let (table, each, count) = (
        number(code, 0x28, 8),
        number(code, 0x3a, 2),
        number(code, 0x3c, 2),
    );
    (0..count)
        .map(|index| {
            let at = table + index * each;
            let (offset, size) = (number(code, at + 0x18, 8), number(code, at + 0x20, 8));
            let kind = number(code, at + 4, 4) as u32;
            // A section without bits takes no room in the file.
            let bytes = if kind == 8 {
                &[][..]
            } else {
                &code[offset..offset + size]
            };
            Section {
                name: number(code, at, 4) as u32,
                kind,
                size,
                link: number(code, at + 0x28, 4),
                bytes,
            }
        })
        .collect()
}

fn text(table: &[u8], at: usize) -> String {
    let end = table[at..].iter().position(|byte| *byte == 0).unwrap_or(0);
    String::from_utf8_lossy(&table[at..at + end]).into_owned()
}

/// The kernels in machine code.
pub(crate) fn kernels(code: &[u8]) -> Vec<Kernel> {
    let sections = sections(code);
    let names = sections[number(code, 0x3e, 2)].bytes;
    let symbols = sections
        .iter()
        .find(|section| section.kind == 2)
        .expect("symbols");
    let strings = sections[symbols.link].bytes;
    let symbol = |index: usize| text(strings, number(symbols.bytes, index * 24, 4));
    let named = |name: &str| {
        sections
            .iter()
            .find(|section| text(names, section.name as usize) == name)
    };
    let notes = named(".nv.info").expect("notes").bytes;
    let mut found: Vec<Kernel> = Vec::new();
    let mut stacks: Vec<(String, usize)> = Vec::new();
    let mut at = 0;
    while at + 4 <= notes.len() {
        let (format, kind, size) = (notes[at], notes[at + 1], number(notes, at + 2, 2));
        // Only notes of format 4 have a payload, whose size they name.
        let payload = if format == 4 { size } else { 0 };
        if payload == 8 && matches!(kind, FRAME_SIZE | REGISTERS) {
            let name = symbol(number(notes, at + 4, 4));
            let value = number(notes, at + 8, 4);
            if kind == REGISTERS {
                let shared = named(&format!(".nv.shared.{name}")).map_or(0, |section| section.size);
                found.push(Kernel {
                    name,
                    registers: value,
                    stack: 0,
                    shared,
                });
            } else {
                stacks.push((name, value));
            }
        }
        at += 4 + payload;
    }
    for kernel in &mut found {
        let stack = stacks.iter().find(|known| known.0 == kernel.name);
        kernel.stack = stack.map_or(0, |known| known.1);
    }
    found
}
