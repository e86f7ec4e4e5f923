//! The words and phrases that are signs of the labels, in common English; of no corpus in particular.

/// Signs of algorithms and the logic of programs.
pub(super) const CODE: &str = "\
    algorithm, array, binary search, boolean, bug, callback, compile, compiler, complexity, data structure, debug, \
    dequeue, enqueue, function, hash table, heap, infinite loop, integer, iterate, iteration, linked list, loop, \
    method, parameter, parse, pop, program, programmer, pseudocode, push, queue, quicksort, recursion, recursive, \
    return value, runtime, script, software, source code, stack, string, subroutine, syntax, unit test, variable";

/// Signs of calculation, derivation, and quantities put to use.
pub(super) const MATH: &str = "\
    add, adds up, algebra, altogether, arithmetic, average, calculate, calculation, compute, denominator, divide, \
    divided by, divisible, double, equal, equals, equation, formula, fraction, geometry, half of, how many, \
    how much, hypotenuse, in total, integral, lemma, matrix, mean of, median, minus, modulo, multiply, \
    numerator, percent, per cent, percentage, plus, polynomial, prime number, probability, product of, proof, \
    quotient, ratio, remainder, square root, subtract, sum, theorem, third of, times, total, triangle, twice";

/// Signs of hypotheses, tests, observations and what follows from them.
pub(super) const SCIENCE: &str = "\
    analysis, because, cause, causes, conclude, conclusion, control group, correlation, data, density, diagnosis, \
    effect, evidence, experiment, explain, explains, explanation, finding, hypothesis, hypothesise, hypothesize, \
    hypotheses, if and only if, imply, implies, infer, it follows, laboratory, measure, measured, measurement, \
    observation, observe, observed, predict, predicted, prediction, result, sample, significant, statistical, \
    statistically, study, suggest, suggests, symptom, test, tested, theory, therefore, trial, variance";

/// Names of what can be seen: things, people, living things, places.
pub(super) const CONCEPTS: &str = "\
    animal, apple, arm, baby, bag, ball, basket, beach, bed, bell, bench, bicycle, bird, boat, body, book, bottle, \
    bowl, box, boy, branch, bread, bridge, brush, bucket, building, bus, button, cake, camera, candle, car, castle, \
    cat, chair, chest, child, children, church, city, clock, cloud, coat, coin, computer, cow, crowd, cup, desk, \
    dog, door, drawer, dress, drum, ear, eye, face, farm, fence, field, finger, fire, fish, flag, flower, flute, \
    forest, fruit, garden, gate, girl, glass, grass, hair, hall, hammer, hand, harbour, hat, head, hill, horse, \
    house, island, jar, kettle, key, kitchen, kite, ladder, lake, lamp, leaf, leaves, leg, library, man, map, \
    market, men, mirror, moon, mountain, mouth, museum, painting, park, people, phone, photograph, picture, plant, \
    plate, portrait, puppet, ring, river, road, roof, room, rose, school, sculpture, sea, ship, shirt, shoe, shop, \
    sky, snow, spade, square, star, station, stone, stool, street, sun, table, toy, train, tree, tower, town, \
    umbrella, vase, vessel, village, violin, wagon, wall, watch, water, wheel, window, woman, women, workshop, yard";

/// Colours, sizes, shapes, materials, textures.
pub(super) const ATTRIBUTES: &str = "\
    beige, big, black, blue, brass, bright, brown, clay, colour, coloured, color, copper, crimson, curved, dark, \
    enormous, flat, glossy, gold, golden, gray, green, grey, huge, iron, ivory, large, larger, largest, leather, \
    little, long, material, metal, narrow, orange, oval, pale, pink, plastic, pointed, purple, red, rough, round, \
    rusty, scarlet, shape, shaped, shiny, short, silk, silver, size, small, smaller, smallest, smooth, soft, \
    square, steel, stone, striped, tall, texture, thick, thin, tin, tiny, transparent, turquoise, velvet, violet, \
    white, wide, wood, wooden, wool, woollen, yellow";

/// Where things are to each other, and parts of wholes.
pub(super) const RELATIONS: &str = "\
    above, across from, adjacent to, against the wall, alongside, at the bottom, at the top, attached to, behind, \
    below, beneath, beside, between the, consists of, facing, further from, hangs over, higher than, higher up, \
    in front of, in the background, in the corner, in the foreground, in the middle, inside, is part of, \
    left of, left side, lower down, lower than, made up of, nearest to, next to, on the left, on the right, \
    on top of, opposite, over the, part of a, part of the, right of, right side, surrounded by, to the left, \
    to the right, under the, underneath, upper";
