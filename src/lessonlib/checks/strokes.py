"""Digits and marks drawn as pen strokes, in the many ways in which people write them.

MNIST holds digits written in the United States in the 1990s. Amounts written elsewhere have
ones with a long flag, sevens with a crossbar, open fours and other forms that it lacks. This
module draws them: ``SHAPES`` is a table of such forms, ``write`` puts a curve through the
points of one form after shaking them, and ``draw`` inks the curve.
"""

import math
from itertools import pairwise

import cv2
import numpy as np
import numpy.typing as npt

Stroke = npt.NDArray[np.float64]  # shape (k, 2): points (x, y)
Plane = npt.NDArray[np.float64]  # shape (h, w), values in [0, 1]: 1 is ink

# Each character's variants: how often it is written (relative), and its strokes.
#
# A stroke is a list of points "x,y" in hundredths of a digit's height, y = 0 the line that the
# digits stand on; ";" lifts the pen. "!" marks a corner, which the curve does not round off;
# "~" marks a loose end, which a writer makes longer or shorter.
SHAPES: dict[str, dict[str, tuple[float, str]]] = {
    "0": {
        "round": (5, "36,98 14,87 2,50 12,12 32,0 52,13 60,50 50,87 28,98"),
        "open": (2, "28,95 9,80 2,46 12,12 32,0 52,12 60,48 54,80 44,92"),
        "overlap": (2, "42,93 18,94 2,56 8,16 30,0 52,12 60,48 50,84 34,97 24,88~"),
        "curl": (1, "30,96 10,84 2,48 12,10 32,0 54,14 60,52 50,86 34,94 26,84 34,76~"),
        "ligature": (2, "38,96 13,86 2,46 14,8 34,0 54,16 58,54 46,90 32,94 38,84 56,84 80,90~"),
        "narrow": (2, "20,98 5,78 2,46 8,10 18,0 30,14 36,50 30,85 17,98"),
        "small": (2, "30,64 9,53 2,30 12,6 34,0 58,10 66,32 55,56 27,64"),
        "small_ligature": (1, "34,64 10,55 2,30 14,4 34,0 56,10 60,36 46,60 32,62 44,56 72,60~"),
        "slashed": (0.2, "36,97 14,86 2,50 12,12 32,0 52,13 60,50 50,87 28,98; 58,104~ 4,-4~"),
        "through": (1, "6,56~ 40,60 59,54 52,13 32,0 12,12 2,50 14,88 36,98 54,84 60,54"),
        "flat": (1.5, "34,62 8,52 2,28 16,4 40,0 66,10 74,34 60,56 30,62"),
        "flat_ligature": (
            1.5,
            "-8,50~ 30,66 10,50 4,26 20,3 44,0 68,14 72,38 52,58 34,60 50,52 88,58~",
        ),
        "flat_open": (1, "12,56~ 34,66 62,58 74,36 60,8 26,2 6,16~"),
        "small_o": (1.5, "66,66~ 38,62 12,48 4,26 20,4 46,2 66,22 64,48 44,58 60,54 96,58~"),
        "on_a_line": (1.5, "-24,2~ 24,2 60,20 58,48 32,60 8,44 8,16 34,2 92,2~"),
        "tall_on_a_line": (0.7, "-20,2~ 24,2 56,26 56,76 34,98 10,76 6,26 32,2 78,2~"),
        "hung": (1.5, "-24,62~ 22,62 6,40 8,12 32,0 58,14 60,44 34,62 50,58 90,62~"),
        "tall_hung": (1, "-16,88~ 28,96 8,74 4,26 30,0 54,22 56,70 32,97 50,88 82,88~"),
        "around_twice": (1, "34,64 8,50 4,22 28,0 60,14 64,46 36,62 10,44 10,16 36,4 62,22 52,56~"),
    },
    "1": {
        "stem": (4, "14,100~ 13,50 12,0~"),
        "flag": (4, "4,66~ 24,100! 24,0~"),
        "small_flag": (2, "10,80~ 22,100! 22,0~"),
        "long_flag": (4, "0,32~ 38,100! 37,0~"),
        "curved_flag": (3, "0,56~ 16,72 32,100! 31,50 30,0~"),
        "stem_foot": (1, "24,100~ 24,0; 4,0~ 44,1~"),
        "flag_foot": (2, "8,70~ 28,100! 28,0; 6,0~ 50,1~"),
        "long_flag_foot": (1, "2,48~ 32,100! 32,0; 10,0~ 54,1~"),
        "tail": (1, "4,68~ 24,100! 22,22 27,3 40,6~"),
        "upstroke": (2, "-12,4~ 14,50 40,100! 30,50 24,0~"),
        "upstroke_tail": (2, "-8,4~ 16,50 42,100! 30,50 22,12 30,1 48,10~"),
        "thin_loop": (1, "-6,6~ 20,52 44,92 42,100 32,74 20,22 26,1 46,10~"),
        "loop": (1, "2,14~ 26,46 44,80 42,98 28,92 18,60 12,18 18,2 34,8~"),
        "hooked_flag": (1, "4,60~ 10,70 30,100! 26,50 24,0~"),
        "roof": (1.5, "-16,44~ 10,76 42,100! 30,40 22,0~"),
        "wide_flag": (1, "-12,62~ 18,78 42,100! 32,50 24,0~"),
        "lead_in": (1, "-40,6~ 4,22 42,96 40,100 26,40 24,4 42,2~"),
    },
    "2": {
        "plain": (4, "6,78~ 14,94 32,100 50,90 52,70 36,40 4,0! 60,1~"),
        "loop": (4, "6,78~ 18,96 36,99 52,84 46,58 26,22 10,4 2,10 9,21 24,14 42,2 66,6~"),
        "small_loop": (2, "6,80~ 20,98 40,97 50,80 40,50 18,14 6,2 3,8 14,10 36,1 64,4~"),
        "z": (1.5, "4,92~ 28,98 54,96! 4,0! 60,1~"),
        "swash": (2, "8,72~ 10,88 24,100 42,96 50,80 42,54 22,22 2,2! 22,10 44,1 76,-6~"),
        "hook": (2, "16,74~ 5,80 10,94 30,100 48,88 48,66 32,38 6,1! 62,0~"),
        "rounded": (2, "6,76~ 20,98 42,96 50,78 38,46 16,14 8,2 24,1 44,1 66,8~"),
        "q": (2, "24,44~ 8,56 5,84 30,100 54,88 52,60 30,24 10,3 4,8 16,14 40,2 62,2~"),
        "q_corner": (2, "26,46~ 8,60 8,86 34,100 55,86 46,50 6,2! 26,9 60,0~"),
        "big_loop": (1.5, "20,52~ 8,66 18,92 42,98 54,80 40,50 16,18 2,2! 60,0~"),
        "cursive": (1, "16,56~ 34,62 50,84 40,100 22,90 14,60 8,20 14,2 30,4 64,26~"),
        "curl": (1, "30,62~ 20,70 10,64 14,90 38,100 54,84 46,50 22,16 8,6 24,2 50,4 70,16~"),
    },
    "3": {
        "round": (4, "6,86~ 26,100 48,90 46,66 24,54! 48,46 56,24 38,2 18,0 2,12~"),
        "loop": (2, "6,88~ 26,100 46,88 40,66 22,53 17,58 30,56 52,40 50,12 26,0 2,12~"),
        "flat": (3, "4,97~ 54,98! 24,60! 48,53 57,28 40,3 18,0 2,12~"),
        "flat_cursive": (1, "6,90~ 24,95 52,97! 22,56! 46,50 50,20 26,-4 -4,4~"),
        "pointed": (2, "6,88~ 30,100 48,84 20,52! 50,42 50,14 26,0 2,8~"),
        "cursive": (2, "10,84~ 30,100 46,86 40,66 26,54! 46,44 46,16 22,-6 -8,4~"),
        "hook": (1, "16,76~ 6,84 22,100 46,92 44,68 22,55! 50,44 52,14 28,0 4,10 12,20~"),
        "wide_loop": (1, "8,88~ 28,100 44,86 34,62 20,54 34,54 58,36 48,8 20,0 2,14 14,22~"),
        "narrow_bottom": (1, "14,94~ 36,100 52,86 50,66 34,50! 44,40 40,14 22,3 0,4~"),
        "closed_top": (1, "22,86~ 8,94 24,102 46,90 40,66 22,54! 50,48 56,20 34,0 10,2 2,16~"),
    },
    "4": {
        "open": (4, "16,97~ 4,40! 64,42~; 46,74~ 44,-4~"),
        "open_tall": (3, "12,98~ 5,42! 58,44~; 52,98~ 47,0~"),
        "u": (2.5, "6,96~ 4,66 16,48 36,50 54,64; 54,97~ 49,0~"),
        "u_single": (2, "6,94~ 4,62 18,46 40,58 54,97! 52,60 47,0~"),
        "closed": (3, "44,100! 2,34! 66,34~; 45,101 43,-2~"),
        "closed_single": (2, "42,-2~ 45,99! 2,34! 66,36~"),
        "far_bar": (2, "30,99~ 4,37! 92,41~; 50,70~ 47,0~"),
        "lightning": (1, "36,100~ 6,44! 52,52! 40,-5~"),
        "lightning_tall": (1.5, "30,100~ 5,43! 48,50 58,70! 40,-5~"),
        "h": (0.7, "16,100~ 5,46! 26,54 44,48 46,26 44,0~"),
        "loop": (1, "30,99~ 7,48 2,36 10,35 34,42 64,43~; 48,76~ 45,0~"),
        "slanted": (2, "36,100~ 2,36! 68,42~; 52,68~ 34,-6~"),
        "hook": (1.5, "30,100~ 10,62 8,50! 30,58 46,50 47,26 42,-2~"),
        "y": (1.5, "6,96~ 4,66 18,50 40,60 56,97! 48,50 36,4 22,-4~"),
        "loop_top": (1, "28,99~ 8,48! 36,56 56,84 50,98 42,80 44,30 40,0~"),
        "narrow_open": (1.5, "20,99~ 4,30! 44,34~; 34,60~ 30,-2~"),
        "h_low": (1, "16,100~ 6,18! 24,40 40,36 38,0~"),
        "low": (1.5, "28,100~ 4,16! 46,22~; 34,42~ 33,-2~"),
        "low_single": (1, "38,98~ 4,14! 60,20! 44,52! 40,-4~"),
        "hook_corner": (1, "30,98~ 8,58! 48,64! 32,0~"),
        "lightning_low": (1, "40,100~ 6,22! 40,28 48,46! 32,-4~"),
    },
    "5": {
        "two_strokes": (4, "12,96! 8,57! 30,63 52,48 54,22 34,0 4,8~; 10,97 56,99~"),
        "single": (3, "58,99~ 14,96! 10,56! 32,63 54,46 50,14 26,0 2,10~"),
        "s": (2.5, "56,98~ 30,99 9,84 14,64 40,50 52,28 36,2 4,4~"),
        "s_corner": (2, "58,97~ 16,96! 9,66 30,58 50,40 46,10 22,0 0,6~"),
        "bar_detached": (2, "11,86! 8,56! 30,61 52,46 50,16 26,0 2,8~; 20,98 62,102~"),
        "far_bar": (2, "14,94! 8,56! 30,61 52,46 50,16 26,0 2,8~; 12,95 88,101~"),
        "j": (1.5, "20,92~ 17,62 27,46 30,18 16,0 -6,7~; 16,96 64,98~"),
        "hook": (0.8, "19,94~ 18,66 22,42 21,14 8,0 -10,9~; 14,96 60,99~"),
        "slanted": (2, "20,94! 8,58! 34,56 46,34 36,8 14,0 -4,8~; 20,95 68,99~"),
        "bolt": (1.5, "54,98~ 22,62! 40,56 48,40 32,16 2,2~"),
        "bolt_corner": (1, "46,98~ 14,58! 48,48! 6,0~"),
        "swan": (1, "60,100~ 30,95 20,88! 18,56! 36,60 48,44 40,14 16,-2 0,10 10,16~"),
        "short_neck": (1.5, "60,97~ 18,94! 15,66! 40,60 52,36 36,6 4,0~"),
        "wide_s": (1, "66,94~ 40,92 14,78 20,58 50,52 60,30 36,6 8,8~"),
    },
    "6": {
        "curved": (4, "48,98~ 22,82 4,46 6,14 28,0 50,12 50,38 30,50 6,34"),
        "straight": (4, "34,100~ 14,60 3,28 10,4 32,0 50,16 46,38 28,46 5,28"),
        "b": (2.5, "10,100~ 4,56 4,16 20,0 44,6 52,28 36,46 14,40 3,26"),
        "wide": (2, "50,97~ 20,78 2,42 10,8 40,0 68,16 62,40 34,47 5,28"),
        "narrow": (2, "36,99~ 14,66 4,30 10,4 24,1 34,18 26,36 6,28"),
        "g": (1, "52,94~ 34,99 10,78 3,40 14,6 36,0 52,18 46,38 20,38~"),
        "curl": (2, "46,98~ 18,76 3,38 14,4 38,1 53,24 40,44 18,38 14,24~"),
        "round": (1.5, "26,84~ 8,60 3,30 14,4 38,0 58,18 54,44 32,54 8,38"),
        "cursive": (1.5, "42,100~ 26,80 10,40 12,10 34,0 54,20 50,46 34,52 20,34 30,16~"),
        "big": (1, "20,84~ 4,52 4,20 24,0 52,4 64,28 54,50 30,54 8,36"),
    },
    "7": {
        "plain": (3, "2,96~ 56,98! 24,0~"),
        "crossed": (4, "2,96~ 56,98! 24,0~; 14,48~ 58,52~"),
        "serif": (1.5, "3,80~ 5,97! 58,98! 26,0~"),
        "serif_crossed": (2, "3,80~ 5,97! 58,98! 26,0~; 14,46~ 60,51~"),
        "wavy": (1.5, "0,82~ 10,97 30,91 58,98! 38,52 26,0~"),
        "wavy_crossed": (3, "0,82~ 10,97 30,91 58,98! 38,52 26,0~; 12,47~ 62,52~"),
        "curved": (2, "2,95~ 28,98 58,97! 38,60 28,28 26,0~"),
        "round": (1, "0,88~ 24,97 52,98 56,82 40,44 28,0~"),
        "long_crossed": (2, "6,93~ 48,98! 28,-8~; -2,44~ 74,50~"),
        "steep_crossed": (1.5, "6,84~ 40,97! 26,-2~; 4,44~ 64,50~"),
        "plus": (1.5, "26,84~ 40,100! 36,50 26,0~; 0,46~ 62,52~"),
        "plus_flag": (1.5, "12,88~ 34,99! 32,50 24,0~; 0,48~ 60,54~"),
        "loop_crossed": (1, "14,84~ 8,96 20,100 28,90 56,99! 40,52 26,0~; 10,46~ 62,52~"),
        "bent_crossed": (1, "4,90~ 30,94 52,98! 44,62 30,40 20,0~; 10,44~ 58,56~"),
        "low_crossed": (1, "4,92~ 30,98 48,93! 26,0~; 2,30~ 56,34~"),
        "high_crossed": (1.5, "6,90~ 30,96 52,98! 36,48 26,-4~; 0,66~ 60,70~"),
    },
    "8": {
        "s": (4, "50,88 32,100 9,88 13,66 42,44 54,20 32,0 6,16 13,42 42,62 53,86"),
        "closed": (3, "34,98 11,88 12,67 32,53 54,34 50,8 28,0 4,16 12,42 32,54 53,72 50,91 30,99"),
        "open_top": (2, "46,95 24,99 7,83 18,62 44,42 54,20 32,0 6,16 12,38 36,58 60,90~"),
        "circles": (
            2.5,
            "30,53 10,64 12,90 32,100 50,88 48,66 27,53; "
            "30,53 6,42 4,14 28,0 54,14 52,42 27,54",
        ),
        "apart": (
            0.7,
            "30,58 12,68 13,91 32,100 49,89 47,68 26,58; "
            "32,47 8,38 5,12 28,0 54,12 50,38 27,47",
        ),
        "tail": (2, "66,100~ 44,90 26,99 8,84 15,63 42,44 54,20 32,0 6,16 13,42 40,62 50,82 40,96"),
        "narrow": (1.5, "36,92 22,100 7,86 12,64 30,42 36,16 20,0 4,14 10,40 30,64 38,86"),
        "reversed": (1, "10,88 30,100 50,86 44,64 14,42 4,18 28,0 54,16 46,42 16,62 9,86"),
        "spread": (1, "44,94 22,98 8,84 20,66~; 30,52 6,34 12,4 40,0 62,18 54,42 30,50 14,44"),
        "ribbon": (1, "52,98~ 30,70 12,44 4,16 24,0 46,12 44,36 22,62 14,84 30,99 48,88~"),
        "drop": (1.5, "34,100 16,76 10,56 30,48 48,30 40,4 14,0 4,22 16,46 40,66 44,88 34,100"),
    },
    "9": {
        "straight": (4, "53,90 30,100 8,88 4,64 22,50 44,60 54,94! 52,50 48,0~"),
        "slanted": (3, "50,92 28,100 6,84 6,60 28,52 48,68 53,96! 40,50 22,0~"),
        "hooked": (3, "53,90 30,100 8,88 4,64 24,50 46,62 54,94! 54,36 44,6 26,-1 4,8~"),
        "curved": (2.5, "50,74 28,54 6,66 12,92 36,100 53,82 46,38 14,1~"),
        "g": (1.5, "52,90 28,100 6,84 6,60 28,50 48,62 54,94! 54,22 38,-6 10,-2 6,14~"),
        "q": (1, "52,92 28,100 6,86 5,62 26,51 46,64 54,96! 49,0! 66,16~"),
        "open_top": (2, "38,96 14,94 3,70 20,52 44,64 56,98! 54,50 48,0~"),
        "small_loop": (1.5, "46,92 30,100 12,90 10,72 26,64 42,74 49,96! 46,50 36,0~"),
        "curl": (1.5, "54,84 40,99 14,94 4,68 22,50 44,62 54,84 52,40 38,4 16,2~"),
        "ribbon": (2.5, "18,46~ 40,62 52,82 36,99 14,92 12,74 32,54 46,30 40,6 20,-2 6,8~"),
        "ribbon_tail": (2, "14,50~ 40,62 54,84 34,100 10,90 14,68 36,46 44,20 34,-4~"),
        "flat_ribbon": (2, "4,60~ 34,60 58,76 48,96 20,98 4,82 14,66 38,56! 46,30 44,0~"),
        "rho": (2, "18,58~ 40,60 54,82 38,99 18,92 12,70 20,40 12,4 2,-2~"),
        "rho_stem": (1.5, "18,62~ 42,66 50,86 34,100 18,90 16,60 18,30 16,-4~"),
        "question": (1.5, "40,80~ 52,90 42,100 20,94 10,74 24,48 26,20 12,0 0,6~"),
        "s": (1.5, "50,88~ 28,100 8,86 14,66 40,60 50,78! 46,40 36,10 14,0 2,10~"),
        "slender": (1, "44,96~ 30,98 12,72 8,48 24,50 40,74 46,98! 42,50 36,0~"),
        "bowl": (1, "50,92~ 26,100 8,84 18,64 44,68 52,90 46,50 36,14 14,0 2,12 16,26~"),
    },
    ".": {
        "point": (4, "0,3 3,3"),
        "blob": (2, "0,4 5,8 9,4 5,0 1,3"),
        "stroke": (2, "0,8~ 6,0~"),
        "flat": (1, "0,2~ 9,4~"),
        "ring": (1, "4,0 0,9 8,15 15,7 6,0"),
        "big": (1, "2,4 8,12 14,6 6,2 4,8"),
    },
    ",": {
        "curved": (3, "6,10 10,2 2,-14~"),
        "straight": (3, "9,12~ 0,-12~"),
        "hook": (1, "2,8 9,10 10,0 0,-16~"),
        "long": (1, "14,20~ 0,-22~"),
    },
    "-": {
        "flat": (4, "0,46~ 38,48~"),
        "long": (2, "0,46~ 84,49~"),
        "wavy": (2, "0,44~ 16,52 34,44 52,52~"),
        "low": (1, "0,18~ 40,20~"),
        "high": (1, "0,82~ 32,85~"),
    },
    "=": {
        "two": (4, "0,56~ 46,59~; 2,34~ 48,37~"),
        "joined": (2, "0,60~ 42,62! 4,36! 50,38~"),
        "hook": (1, "0,58~ 34,62 40,54 16,42 8,36 20,34 50,38~"),
        "high": (1, "0,88~ 32,90~; 2,70~ 34,72~"),
    },
    "$": {
        "one_bar": (4, "50,82~ 30,93 9,82 14,62 40,46 50,26 32,7 2,14~; 30,112~ 27,-12~"),
        "two_bars": (
            2,
            "50,82~ 30,93 9,82 14,62 40,46 50,26 32,7 2,14~; "
            "24,112~ 21,-12~; "
            "37,112~ 34,-12~",
        ),
        "short_bars": (
            1,
            "50,84~ 30,96 9,84 14,62 40,46 50,24 32,4 2,12~; "
            "30,116~ 30,90~; "
            "28,12~ 27,-14~",
        ),
    },
    "*": {
        "three": (2, "22,92~ 20,44~; 0,80~ 42,56~; 2,56~ 42,82~"),
        "four": (1, "22,94~ 20,42~; -2,68~ 44,68~; 4,86~ 38,50~; 4,50~ 38,86~"),
    },
    "#": {
        "upright": (2, "22,98~ 18,0~; 46,98~ 42,0~; 0,66~ 66,68~; -2,32~ 64,34~"),
        "slanted": (1, "30,98~ 12,0~; 52,98~ 36,0~; 2,62~ 70,68~; -4,30~ 64,36~"),
    },
}  # fmt: skip
VARIANTS: dict[str, tuple[str, ...]] = {
    character: tuple(variants) for character, variants in SHAPES.items()
}

SPACING = 0.028  # between the sampled points of a table's curve, before it is shaken
POINT_NOISE = 0.02
WIDTHS: dict[str, tuple[float, float]] = {"0": (0.75, 1.7), "1": (0.6, 1.2)}
OTHER_WIDTHS = (0.75, 1.55)  # how much narrower or wider than in the table
HEIGHTS = (6.0, 400.0)  # pixels
PENS = (0.8, 24.0)  # pixels
FINE = 4  # the ink is drawn this many times larger and then shrunk, for soft edges
PRESSURE = 0.13  # a pen writes this much broader downwards and finer upwards


class _Pen:
    """One stroke of the table, ready to be shaken and sampled.

    Attributes
    ----------
    points : NDArray[float64], shape (n, 2)
        Control points.
    sharp, smooth : NDArray[float64], shape (k, n)
        Matrices that turn control points into the k points of the curve, with its corners kept
        and with its corners rounded off.
    centre : NDArray[float64], shape (2,)
        The middle of the control points.
    reach : NDArray[float64], shape (2, 2)
        How far, as (x, y), the first and the last point usually move along the pen's direction.
    """

    def __init__(self, text: str) -> None:
        words = text.split()
        self.points = np.array([_point(word) for word in words])
        self.centre = self.points.mean(axis=0)
        self.reach = np.array(
            [
                _reach(self.points[0] - self.points[1], words[0]),
                _reach(self.points[-1] - self.points[-2], words[-1]),
            ]
        )
        corners = [0, *(i for i, word in enumerate(words) if word.endswith("!")), len(words) - 1]
        steps = np.linalg.norm(np.diff(self.points, axis=0), axis=1)
        counts = np.maximum(2, np.ceil(steps / SPACING)).astype(int)
        # Knots at the square roots of the distances keep the curve from overshooting at its bends.
        knots = np.concatenate(([0.0], np.cumsum(np.sqrt(steps))))
        times = [
            np.linspace(start, stop, count, endpoint=False)
            for start, stop, count in zip(knots[:-1], knots[1:], counts, strict=True)
        ]
        self.smooth = _basis(knots, np.concatenate((*times, knots[-1:])))
        self.sharp = np.zeros_like(self.smooth)
        row = 0
        for first, last in pairwise(corners):
            if first == last:
                continue
            part = np.concatenate((*times[first:last], knots[last : last + 1]))
            columns = slice(first, last + 1)
            self.sharp[row : row + len(part), columns] = _basis(knots[columns], part)
            row += len(part) - 1


def _point(word: str) -> tuple[float, float]:
    """Read one point of the table, as fractions of a digit's height."""
    x, y = word.rstrip("!~").split(",")
    return float(x) / 100, float(y) / 100


def _reach(way: npt.NDArray[np.float64], word: str) -> npt.NDArray[np.float64]:
    """Return how far, as (x, y), an end written as `word` usually moves along `way`."""
    length = float(np.hypot(way[0], way[1]))
    return way / length * min(length, 0.3) * (0.2 if word.endswith("~") else 0.05)


def _basis(
    knots: npt.NDArray[np.float64], times: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Return the matrix of a Catmull-Rom spline: how much each control point adds at each time.

    Parameters
    ----------
    knots : NDArray[float64], shape (n,)
        The increasing times of the n control points.
    times : NDArray[float64], shape (k,)
        Where to sample, within the knots.

    Returns
    -------
    NDArray[float64], shape (k, n)
    """
    values = np.eye(len(knots))
    gaps = np.diff(knots)[:, None]
    slopes = np.diff(values, axis=0) / gaps
    tangents = np.empty_like(values)
    tangents[1:-1] = (slopes[:-1] * gaps[1:] + slopes[1:] * gaps[:-1]) / (gaps[1:] + gaps[:-1])
    if len(knots) == 2:
        tangents[:] = slopes[0]
    else:
        tangents[0] = 1.5 * slopes[0] - 0.5 * tangents[1]
        tangents[-1] = 1.5 * slopes[-1] - 0.5 * tangents[-2]
    index = np.clip(np.searchsorted(knots, times, side="right") - 1, 0, len(knots) - 2)
    gap = gaps[index]
    u = (times - knots[index])[:, None] / gap
    return np.asarray(
        (1 + 2 * u) * (1 - u) ** 2 * values[index]
        + u * (1 - u) ** 2 * gap * tangents[index]
        + u**2 * (3 - 2 * u) * values[index + 1]
        + u**2 * (u - 1) * gap * tangents[index + 1],
        dtype=np.float64,
    )


_PENS = {
    character: {
        name: [_Pen(stroke) for stroke in text.split(";")] for name, (_, text) in variants.items()
    }
    for character, variants in SHAPES.items()
}
_SHARES = {
    character: np.cumsum([weight for weight, _ in variants.values()])
    for character, variants in SHAPES.items()
}


def write(character: str, rng: np.random.Generator, variant: str | None = None) -> list[Stroke]:
    """Write one character the way a hand does: never twice alike.

    Parameters
    ----------
    character : str
        A digit, or one of ``. , - = $ * #``.
    rng : Generator
        Where the chance comes from.
    variant : str, optional
        One of ``VARIANTS[character]``; by default one at random, common ones more often.

    Returns
    -------
    list of NDArray[float64], each of shape (k, 2)
        The strokes: points (x, y), y = 0 the line that digits stand on and y = 1 their top.

    Raises
    ------
    ValueError
        If no such character or variant is known.
    """
    if character not in SHAPES:
        raise ValueError(f"cannot write {character!r}: known are {' '.join(SHAPES)}")
    if variant is None:
        variant = choose_variant(character, rng)
    elif variant not in VARIANTS[character]:
        known = ", ".join(VARIANTS[character])
        raise ValueError(f"no variant {variant!r} of {character!r}: known are {known}")
    low, high = WIDTHS.get(character, OTHER_WIDTHS)
    noise = rng.standard_normal(7).clip(-2.2, 2.2).tolist()
    width = min(max(1.05 * math.exp(0.22 * noise[0]), low), high)
    sharpness = 1 - 0.7 * rng.random() ** 2
    strokes = []
    for pen in _PENS[character][variant]:
        points = _shaken(pen, rng)
        _warp(points, noise, width)
        strokes.append((sharpness * pen.sharp + (1 - sharpness) * pen.smooth) @ points)
    if rng.random() < 0.06:
        _accident(strokes, rng)
    return strokes


def choose_variant(character: str, rng: np.random.Generator) -> str:
    """Choose one of a character's variants, common ones more often.

    Parameters
    ----------
    character : str
        One of ``SHAPES``.
    rng : Generator

    Returns
    -------
    str
    """
    shares = _SHARES[character]
    number = int(np.searchsorted(shares, rng.random() * shares[-1], side="right"))
    return VARIANTS[character][number]


def _shaken(pen: _Pen, rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """Return a stroke's control points, the stroke shifted and turned, each point shaken."""
    noise = rng.standard_normal((len(pen.points) + 3, 2))
    turn, grow = 0.035 * noise[0]
    matrix = np.array([[1 + grow, turn], [-turn, 1 + grow]])
    points: Stroke = (pen.points - pen.centre + POINT_NOISE * noise[3:]) @ matrix
    points += pen.centre + 0.015 * noise[1]
    # An end moves along its own direction: a little where it meets other ink, a lot where loose.
    points[0] += noise[2, 0] * pen.reach[0]
    points[-1] += noise[2, 1] * pen.reach[1]
    return points


def _warp(points: npt.NDArray[np.float64], noise: list[float], width: float) -> None:
    """Change, in place, a whole character's proportions: the same for all its strokes.

    Parameters
    ----------
    points : NDArray[float64], shape (n, 2)
        Control points of one stroke; overwritten.
    noise : list of 7 floats
        Standard normal numbers, clipped.
    width : float
        How many times wider than in the table.
    """
    x, y = points[:, 0], points[:, 1]
    middle = y - 0.5
    bulge = np.maximum(0.25 - middle * middle, 0.0)
    x -= 0.3
    x *= width * (1 + 0.16 * noise[1] * middle)  # the upper part wider, or the lower
    x += 0.08 * noise[2] * bulge + 0.06 * noise[3] * middle  # bent, and leaning
    x += 0.3 * width
    y += 0.2 * noise[4] * bulge  # the waist higher or lower
    y *= 1 + 0.04 * noise[5]
    y += 0.05 * noise[6] * (x - 0.3)  # rising or falling


def _accident(strokes: list[Stroke], rng: np.random.Generator) -> None:
    """Let the pen skip for a moment in one stroke, or go over the stroke's end again; in place."""
    index = int(rng.integers(len(strokes)))
    stroke = strokes[index]
    if len(stroke) < 12:
        return
    at = int(rng.integers(4, len(stroke) - 6))
    if rng.random() < 0.5:
        strokes[index : index + 1] = [stroke[:at], stroke[at + 3 :]]
    else:
        strokes.append(stroke[at:] + rng.normal(0, 0.02, 2))


def draw(strokes: list[Stroke], height: float, pen: float, slant: float = 0.0) -> tuple[Plane, int]:
    """Ink strokes.

    Parameters
    ----------
    strokes : list of NDArray[float64], each of shape (k, 2), k >= 2
        As ``write`` returns them.
    height : float
        Pixels from y = 0 to y = 1, within ``HEIGHTS``.
    pen : float
        Width of the pen in pixels, within ``PENS``. It writes a little broader downwards.
    slant : float, default 0
        How far x moves to the right per y, within [-2, 2]; 0.3 leans to the right.

    Returns
    -------
    plane : NDArray[float64], shape (h, w)
        Ink in [0, 1], tight around it, with soft edges.
    below : int
        How many of its rows lie below the line y = 0; negative where the ink floats above it.

    Raises
    ------
    ValueError
        If a number is out of range or there is no stroke.
    """
    _check(strokes, height, pen, slant)
    points = np.concatenate(strokes) * (height, -height)
    points[:, 0] -= slant * points[:, 1]
    margin = pen * (1 + PRESSURE) / 2 + 2
    left, top = np.floor(points.min(axis=0) - margin).astype(int).tolist()
    right, bottom = np.ceil(points.max(axis=0) + margin).astype(int).tolist()
    fine = np.zeros((FINE * (bottom - top), FINE * (right - left)), np.uint8)
    ends = np.cumsum([len(stroke) for stroke in strokes])
    _ink(fine, (points - (left, top)) * FINE, ends, pen * FINE)
    soft = cv2.resize(fine, (right - left, bottom - top), interpolation=cv2.INTER_AREA)
    x, y, w, h = cv2.boundingRect(soft)
    plane = soft[y : y + h, x : x + w].astype(np.float64) / 255
    return plane, top + y + h


def _ink(
    fine: npt.NDArray[np.uint8],
    points: npt.NDArray[np.float64],
    ends: npt.NDArray[np.int64],
    pen: float,
) -> None:
    """Draw strokes onto a plane, in place.

    Parameters
    ----------
    fine : NDArray[uint8], shape (H, W)
        Where to draw, with 255.
    points : NDArray[float64], shape (n, 2)
        All strokes' points (x, y), in the plane's pixels.
    ends : NDArray[int64], shape (s,)
        Where in `points` each of the s strokes ends (exclusive).
    pen : float
        Width of the pen in the plane's pixels.
    """
    steps = np.diff(points, axis=0)
    down = steps[:, 1] / np.maximum(np.hypot(steps[:, 0], steps[:, 1]), 1e-9)
    # Asked for an even width, OpenCV fills one pixel more than that.
    widths = (2 * np.rint((pen * (1 + PRESSURE * down) - 1) / 2)).astype(int).tolist()
    pixels = np.rint(points * 8 - 4).astype(np.int32)  # eighths of a pixel, from its centre
    start = 0
    for end in ends.tolist():
        first = start
        # OpenCV draws a line of one width: a run of steps of the same width at a time.
        for last in range(start + 1, end):
            if last == end - 1 or widths[last] != widths[first]:
                part = pixels[first : last + 1]
                cv2.polylines(fine, [part], False, 255, widths[first], cv2.LINE_8, 3)
                first = last
        start = end


def _check(strokes: list[Stroke], height: float, pen: float, slant: float) -> None:
    """Raise a ValueError if ``draw`` cannot ink these."""
    if not strokes or any(stroke.ndim != 2 or len(stroke) < 2 for stroke in strokes):
        raise ValueError("nothing to draw: give strokes as write() returns them")
    if not HEIGHTS[0] <= height <= HEIGHTS[1]:
        raise ValueError(f"height {height} is outside {HEIGHTS[0]} to {HEIGHTS[1]} pixels")
    if not PENS[0] <= pen <= PENS[1]:
        raise ValueError(f"pen {pen} is outside {PENS[0]} to {PENS[1]} pixels")
    if not -2 <= slant <= 2:
        raise ValueError(f"slant {slant} is outside -2 to 2: it is a shift per height")
