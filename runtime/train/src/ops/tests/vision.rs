//! Patches of images, and their vectors among those of text.

use proptest::prelude::*;

use super::harness::{check, check_threads, normals, recording, widened};
use crate::ops::{
    Linear, Marked, Matrix, PatchEmbedding, Patches, Recording, patch_embedding, scatter_rows,
};
use crate::reference;

/// Weights as `check` numbers them: weight, bias, then class token and positions if there are any.
fn embedding_of(patches: Patches, m: &[Matrix], class: bool, positions: bool) -> PatchEmbedding {
    let mut rest = m[2..].iter().cloned();
    PatchEmbedding {
        patches,
        projection: Linear::new(m[0].clone(), Some(m[1].clone())),
        class: class.then(|| rest.next().expect("a class token")),
        positions: positions.then(|| rest.next().expect("positions")),
    }
}

fn shapes_of(patches: Patches, width: usize, class: bool, positions: bool) -> Vec<(usize, usize)> {
    let mut shapes = vec![(width, patches.patch()), (1, width)];
    if class {
        shapes.push((1, width));
    }
    if positions {
        shapes.push((patches.count() + usize::from(class), width));
    }
    shapes
}

fn check_patches(images: usize, patches: Patches, width: usize) {
    let pixels = normals("pixels", images * patches.image());
    let exact = widened(&pixels);
    for (class, positions) in [(false, false), (true, false), (false, true), (true, true)] {
        check(
            &format!("{images} of {patches:?} to {width}, class {class}, positions {positions}"),
            &shapes_of(patches, width, class, positions),
            |m| {
                let how = embedding_of(patches, m, class, positions);
                patch_embedding(&pixels, &how, Recording::default())
            },
            |m| {
                let mut rest = m[2..].iter().map(Vec::as_slice);
                let class = if class { rest.next() } else { None };
                let weights = [&m[0][..], &m[1][..]];
                reference::patch_embedding(&exact, patches, weights, class, rest.next())
            },
        );
    }
}

fn check_scatter(tokens: &[u32], width: usize) {
    let marked = Marked::places(tokens, 1);
    check(
        &format!("scatter {tokens:?} of {width}"),
        &[(tokens.len(), width), (marked.count(), width)],
        |m| scatter_rows(recording(&m[0]), recording(&m[1]), &marked),
        |m| reference::scatter_rows(&m[0], &m[1], tokens, 1),
    );
}

fn cut(channels: usize, (down, across): (usize, usize), size: usize) -> Patches {
    Patches {
        channels,
        height: down * size,
        width: across * size,
        size,
    }
}

#[test]
fn odd_images() {
    check_patches(1, cut(1, (1, 1), 1), 1);
    check_patches(3, cut(3, (2, 3), 2), 5);
    check_patches(2, cut(2, (3, 1), 5), 7);
    check_patches(37, cut(1, (1, 2), 3), 3);
}

#[test]
fn odd_places() {
    check_scatter(&[1], 1);
    check_scatter(&[1, 1, 1], 4);
    check_scatter(&[0, 1, 2, 1, 1, 0], 7);
}

/// The same rows twice, and the text's rows read by another: gradients add.
#[test]
fn rows_put_in_two_places_get_the_sum_of_their_gradients() {
    let (first, second) = ([0, 1, 0, 1], [1, 0, 0, 1]);
    let marked = [Marked::places(&first, 1), Marked::places(&second, 1)];
    check(
        "scatter twice",
        &[(4, 3), (2, 3)],
        |m| {
            let rows = recording(&m[1]);
            let x = scatter_rows(recording(&m[0]), rows.branch(), &marked[0]);
            scatter_rows(x, rows, &marked[1])
        },
        |m| {
            let x = reference::scatter_rows(&m[0], &m[1], &first, 1);
            reference::scatter_rows(&x, &m[1], &second, 1)
        },
    );
}

#[test]
fn places_of_a_marker() {
    assert_eq!(Marked::places(&[7, 3, 7, 7], 7).count(), 3);
    assert_eq!(Marked::places(&[7, 3], 9).count(), 0);
}

#[test]
#[should_panic(expected = "rows to be put in place")]
fn too_few_rows_are_refused() {
    let marked = Marked::places(&[1, 1], 1);
    let of = |rows: usize| Matrix::new(vec![0.0; rows * 2], 2);
    scatter_rows(of(2), of(1), &marked);
}

#[test]
fn bits_do_not_depend_on_threads() {
    let patches = cut(3, (5, 7), 3);
    let pixels = normals("pixels", 19 * patches.image());
    check_threads("patches", &shapes_of(patches, 29, true, true), |m| {
        let how = embedding_of(patches, m, true, true);
        patch_embedding(&pixels, &how, Recording::default())
    });
    let tokens: Vec<u32> = (0..211).map(|i| i * i % 3).collect();
    let marked = Marked::places(&tokens, 1);
    check_threads("scatter", &[(211, 41), (marked.count(), 41)], |m| {
        scatter_rows(recording(&m[0]), recording(&m[1]), &marked)
    });
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_image(
        images in 1..5_usize,
        channels in 1..4_usize,
        grid in (1..4_usize, 1..4_usize),
        size in 1..6_usize,
        width in 1..20_usize,
    ) {
        check_patches(images, cut(channels, grid, size), width);
    }

    #[test]
    fn any_places(mut tokens in prop::collection::vec(0..3_u32, 1..50), at in 0..50_usize, width in 1..20_usize) {
        // A matrix has at least one row.
        let at = at % tokens.len();
        tokens[at] = 1;
        check_scatter(&tokens, width);
    }
}
