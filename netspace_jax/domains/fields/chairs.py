"""Procedural chairs: a parametric family whose signed distance is exact.

A chair is a union of frusta: boxes whose top may be smaller than their bottom, or shifted sideways. Two of them touch
only in horizontal planes, so the chair's surface is known piece by piece: the frusta's sides, and their tops and
bottoms less the rectangles where another stands. The distance to the nearest piece is the distance to the chair,
outside and inside, at joints too, where the smallest of the parts' own distances would be a mere bound.
The y axis points up, z to the front. A chair is centred on its bounding box; its farthest corner has radius `RADIUS`.

A union of boxes by trimesh and its distance by libigl would be fewer lines, but other data: the points that measured
figures stand on are drawn from these triangles in this order. These distances need no package and have gradients.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import trimesh
from jaxtyping import Array, Float, PRNGKeyArray

from netspace_jax.domains.fields.geometry import RADIUS, triangle_areas

MOST_POSTS = 4  # of the back
TINY = 1e-6  # lengths and areas below it belong to parts that a chair lacks

# What the entries of a parameter vector mean, and between which values they are drawn. Lengths are in units in which a
# seat is about 0.8 wide; scaling the finished chair to its radius multiplies them by 0.7 to 1.1.
RANGES = {
    "seat_half_width": (0.4, 0.52),
    "seat_half_depth": (0.38, 0.46),
    "seat_thickness": (0.12, 0.2),
    "leg_length": (0.48, 0.8),
    "leg_thickness": (0.13, 0.18),
    "leg_taper": (0.65, 1.0),  # thickness at the floor over thickness at the seat, which stays above THINNEST
    "leg_inset": (0.0, 0.07),
    "splay_x": (0.04, 0.22),  # sideways over height, or 0 for straight legs
    "splay_z": (0.04, 0.22),
    "back_height": (0.5, 0.85),
    "back_thickness": (0.11, 0.16),
    "back_lean": (0.0, 0.3),  # backward over height
    "back_posts": (1, MOST_POSTS),  # under the rail; 1 is a solid back
    "post_width": (0.1, 0.12),
    "rail_height": (0.14, 0.26),
    "arms": (0, 2),  # none, on two posts each, solid
    "arm_width": (0.11, 0.14),
    "arm_height": (0.2, 0.3),
    "arm_margin": (0.0, 0.12),  # from the seat's front edge
}
PARAMETERS = tuple(RANGES)
THINNEST = 0.11
_ARM_POST, _ARM_REST, _ARM_GAP = 0.12, 0.11, 0.12


class Chair(NamedTuple):
    """The frusta that fill a chair, and the horizontal rectangles that close it where no two of them touch.

    A rectangle is (x0, x1, z0, z1). A frustum that a chair lacks is flat and lies on its surface.

    `y` has the heights of bottom and top of each frustum, `flat_y` those of the horizontal rectangles.
    """

    low: Float[Array, "part 4"]
    high: Float[Array, "part 4"]
    y: Float[Array, "part 2"]
    flat: Float[Array, "flat 4"]
    flat_y: Float[Array, "flat"]


def sample_parameters(key: PRNGKeyArray) -> Float[Array, "k"]:
    """Parameters of one random chair, in the order of `PARAMETERS`.

    Two of five chairs have straight legs; arms are missing from half of them; backs are solid or have 2 to 4 posts.
    """
    uniform = dict(zip(PARAMETERS, jax.random.uniform(jax.random.fold_in(key, 0), (len(PARAMETERS),)), strict=True))
    values = {name: low + (high - low) * uniform[name] for name, (low, high) in RANGES.items()}
    splayed = jax.random.bernoulli(jax.random.fold_in(key, 1), 0.6).astype(jnp.float32)
    values["splay_x"] *= splayed
    values["splay_z"] *= splayed
    values["back_posts"] = jnp.floor(1 + MOST_POSTS * uniform["back_posts"])
    values["arms"] = jnp.maximum(0, jnp.floor(4 * uniform["arms"]) - 1)
    return jnp.stack([jnp.asarray(values[name], jnp.float32) for name in PARAMETERS])


def build(parameters: Float[Array, "k"]) -> Chair:
    """One chair, centred and scaled."""
    p = dict(zip(PARAMETERS, parameters, strict=True))
    width, depth = p["seat_half_width"], p["seat_half_depth"]
    floor, under_seat, on_seat = -p["leg_length"], jnp.float32(0), p["seat_thickness"]
    seat, (feet, tops) = _rects(-width, width, -depth, depth), _legs(p)

    back_z, lean = -depth + p["back_thickness"], jnp.array([[0.0, 0, 1, 1]]) * p["back_lean"]
    under_rail, top = on_seat + p["back_height"] - p["rail_height"], on_seat + p["back_height"]
    posts, rail = _posts(p, back_z), _rects(-width, width, -depth, back_z)
    posts_high, rail_low = posts - lean * (under_rail - on_seat), rail - lean * (under_rail - on_seat)
    rail_high = rail - lean * (top - on_seat)

    # Without arms all their lengths are 0, which leaves points on the seat's upper edge; solid ones have no rear posts.
    some, solid = (p["arms"] > 0.5).astype(jnp.float32), p["arms"] > 1.5
    inner = width - some * p["arm_width"]
    sides = jnp.stack([-width, inner]), jnp.stack([-inner, width])
    rear, front = back_z + _ARM_GAP, depth - p["arm_margin"]
    rear_posts = _rects(*sides, rear, rear + jnp.where(solid, 0.0, _ARM_POST))
    front_posts = _rects(*sides, jnp.where(solid, rear, front - _ARM_POST), front)
    rests = _rects(*sides, rear, front)
    under_rest, on_rest = on_seat + some * p["arm_height"], on_seat + some * (p["arm_height"] + _ARM_REST)

    frusta = [
        (seat, seat, under_seat, on_seat),
        (feet, tops, floor, under_seat),
        (posts, posts_high, on_seat, under_rail),
        (rail_low, rail_high, under_rail, top),
        *((rects, rects, on_seat, under_rest) for rects in (rear_posts, front_posts)),
        (rests, rests, under_rest, on_rest),
    ]
    flats = [
        (feet, floor),
        (_less(seat[0], [tops[:2], tops[2:]]), under_seat),
        (_less(rail_low[0], [posts_high]), under_rail),
        (rail_high, top),
        *((_less(rests[i], [rear_posts[i : i + 1], front_posts[i : i + 1]]), under_rest) for i in range(2)),
        (rests, on_rest),
        (_less(seat[0], [posts, rear_posts, front_posts]), on_seat),
    ]
    low, high = (jnp.concatenate(rects) for rects in list(zip(*frusta, strict=True))[:2])
    y = jnp.concatenate([jnp.broadcast_to(jnp.stack([y0, y1]), (len(rects), 2)) for rects, _, y0, y1 in frusta])
    flat = jnp.concatenate([rects for rects, _ in flats])
    return _normalise(Chair(low, high, y, flat, jnp.concatenate([jnp.full(len(rects), y) for rects, y in flats])))


def signed_distance(parameters: Float[Array, "k"], points: Float[Array, "n 3"]) -> Float[Array, "n"]:
    """Exact signed distance of points to one chair, negative inside."""
    return distance_to(build(parameters), points)


def distance_to(chair: Chair, points: Float[Array, "n 3"]) -> Float[Array, "n"]:
    """The same to a chair that is built already."""
    x, y, z = points.T

    def to_side(nearest, corners):
        """Square of the distance to a side where the point is over it, else to one of its slanted edges.

        The next side holds the other one, and the level edges also bound a flat.
        """
        edges = jnp.roll(corners, -1, 0) - corners
        normal, slanted = jnp.cross(edges[0], edges[1]), edges[1]
        sizes = jnp.stack([jnp.sqrt((normal * normal).sum()), (slanted**2).sum()])
        inverse = jnp.where(sizes > TINY, 1 / jnp.maximum(sizes, TINY), 0)  # 0 where there is no such side or edge
        normal = (normal * inverse[0])[None]
        # The side's own plane, then those through its edges, looking inward.
        planes = jnp.concatenate([normal, jnp.cross(jnp.broadcast_to(normal, edges.shape), edges)])
        offsets = (planes * jnp.concatenate([corners[:1], corners])).sum(-1)
        height, *rims = (n[0] * x + n[1] * y + n[2] * z - offset for n, offset in zip(planes, offsets, strict=True))
        over = (jnp.minimum(jnp.minimum(rims[0], rims[1]), jnp.minimum(rims[2], rims[3])) >= 0) & (inverse[0] > 0)
        dx, dy, dz = x - corners[1, 0], y - corners[1, 1], z - corners[1, 2]
        t = jnp.clip((dx * slanted[0] + dy * slanted[1] + dz * slanted[2]) * inverse[1], 0, 1)
        edge = (dx - t * slanted[0]) ** 2 + (dy - t * slanted[1]) ** 2 + (dz - t * slanted[2]) ** 2
        return jnp.minimum(nearest, jnp.where(over, height**2, edge)), None

    def to_flat(nearest, flat):
        rect, level = flat
        outside_x = jnp.maximum(jnp.maximum(rect[0] - x, x - rect[1]), 0)
        outside_z = jnp.maximum(jnp.maximum(rect[2] - z, z - rect[3]), 0)
        return jnp.minimum(nearest, outside_x**2 + outside_z**2 + (level - y) ** 2), None

    def in_part(inside, part):
        low, high, (y0, y1) = part
        t = jnp.clip((y - y0) / jnp.maximum(y1 - y0, TINY), 0, 1)
        x0, x1, z0, z1 = (low[i] + t * (high[i] - low[i]) for i in range(4))
        return inside | ((y0 <= y) & (y <= y1) & (x0 <= x) & (x <= x1) & (z0 <= z) & (z <= z1)), None

    nearest, _ = jax.lax.scan(to_side, jnp.full_like(x, jnp.inf), _sides(chair).reshape(-1, 4, 3))
    nearest, _ = jax.lax.scan(to_flat, nearest, (chair.flat, chair.flat_y))
    inside, _ = jax.lax.scan(in_part, jnp.zeros_like(x, bool), (chair.low, chair.high, chair.y))
    return jnp.where(inside, -1.0, 1.0) * jnp.sqrt(nearest)


def surface_mesh(chair: Chair) -> trimesh.Trimesh:
    """A chair's exact surface: closed, though neighbouring triangles need not share vertices."""
    vertices = np.asarray(_quads(chair)).reshape(-1, 3)
    first = np.arange(0, len(vertices), 4)[:, None]
    faces = np.concatenate([first + np.array([0, 1, 2]), first + np.array([0, 2, 3])])
    return trimesh.Trimesh(vertices, faces[triangle_areas(vertices[faces]) > TINY**2], process=False)


@jax.jit
def _quads(chair: Chair) -> Float[Array, "quad 4 3"]:
    flats = jnp.roll(_corners(chair.flat, chair.flat_y)[:, ::-1], 1, 1)
    # A flat looks up, and is drawn the other way round, where the chair is just below its middle.
    up = distance_to(chair, flats.mean(1) - jnp.array([[0, 1e-3, 0]])) < 0
    return jnp.concatenate([_sides(chair).reshape(-1, 4, 3), jnp.where(up[:, None, None], flats[:, ::-1], flats)])


def _rects(x0, x1, z0, z1) -> Float[Array, "n 4"]:
    """Rectangles from their bounds, each a number or one for each rectangle."""
    return jnp.stack(jnp.broadcast_arrays(*map(jnp.atleast_1d, (x0, x1, z0, z1))), -1)


def _legs(p: dict[str, Float[Array, ""]]) -> tuple[Float[Array, "4 4"], Float[Array, "4 4"]]:
    """Feet, and tops under the seat."""

    def squares(x, z, size):
        x, z = jnp.array([-1.0, 1, -1, 1]) * x, jnp.array([-1.0, -1, 1, 1]) * z
        return _rects(x - size / 2, x + size / 2, z - size / 2, z + size / 2)

    thick = p["leg_thickness"]
    x = p["seat_half_width"] - p["leg_inset"] - thick / 2
    z = p["seat_half_depth"] - p["leg_inset"] - thick / 2
    foot = jnp.maximum(THINNEST, thick * p["leg_taper"])
    feet = squares(x + p["splay_x"] * p["leg_length"], z + p["splay_z"] * p["leg_length"], foot)
    return feet, squares(x, z, thick)


def _posts(p: dict[str, Float[Array, ""]], back_z: Float[Array, ""]) -> Float[Array, "post 4"]:
    """Posts of the back where they stand on the seat; those that it lacks are flat."""
    width, number = p["seat_half_width"], jnp.arange(MOST_POSTS, dtype=jnp.float32)
    post = jnp.where(p["back_posts"] < 1.5, 2 * width, p["post_width"])
    left = (2 * width - post) * number / jnp.maximum(p["back_posts"] - 1, 1) - width
    there = number < p["back_posts"] - 0.5
    bounds = jnp.where(there, left, width), jnp.where(there, left + post, width)
    return _rects(*bounds, -p["seat_half_depth"], back_z)


def _less(rect: Float[Array, "4"], rows: list[Float[Array, "_ 4"]]) -> Float[Array, "n 4"]:
    """Rectangles that fill `rect` less the holes, which come in rows from small z to large, each from small x on."""
    x0, x1, z0, z1 = rect
    starts, ends = [z0, *(row[0, 3] for row in rows)], [*(row[0, 2] for row in rows), z1]
    between = _rects(x0, x1, jnp.stack(starts), jnp.stack(ends))
    beside = [_rects(jnp.append(x0, row[:, 1]), jnp.append(row[:, 0], x1), row[0, 2], row[0, 3]) for row in rows]
    return jnp.concatenate([between, *beside])


def _sides(chair: Chair) -> Float[Array, "part 4 4 3"]:
    """Corners of the four sides of each frustum, counter-clockwise seen from outside, from a lower edge upward."""
    low, high = _corners(chair.low, chair.y[:, 0]), _corners(chair.high, chair.y[:, 1])
    return jnp.stack([low, jnp.roll(low, -1, 1), jnp.roll(high, -1, 1), high], 2)


def _corners(rects: Float[Array, "n 4"], y: Float[Array, "n"]) -> Float[Array, "n 4 3"]:
    x0, x1, z0, z1 = rects.T
    return jnp.stack([jnp.stack(corner, -1) for corner in ((x0, y, z0), (x0, y, z1), (x1, y, z1), (x1, y, z0))], 1)


def _normalise(chair: Chair) -> Chair:
    corners = _sides(chair).reshape(-1, 3)
    centre = (corners.min(0) + corners.max(0)) / 2
    scale = RADIUS / jnp.sqrt(((corners - centre[None]) ** 2).sum(-1).max())
    across = jnp.stack([centre[0], centre[0], centre[2], centre[2]])[None]
    low, high, flat = ((rects - across) * scale for rects in (chair.low, chair.high, chair.flat))
    return Chair(low, high, (chair.y - centre[1]) * scale, flat, (chair.flat_y - centre[1]) * scale)
