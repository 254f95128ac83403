"""Picture files of every kind that lmm reads, made from a seed; what Pillow cannot write is put together here."""
import io
import struct
import zlib

import numpy as np
from PIL import Image


def natural(width, height, seed=0, channels=3):
    """Gradients, an edge, a disc and noise: (height, width, channels) uint8."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    u, v = x / max(width - 1, 1), y / max(height - 1, 1)
    planes = []
    for c in range(channels):
        a, b, f, g = rng.uniform(-1, 1, 4)
        plane = 128 + 70 * (a * u + b * v) + 40 * np.sin(12 * f * u + 9 * g * v + c)
        plane = np.where((u - 0.6) ** 2 + (v - 0.4) ** 2 < 0.05, 255 - plane, plane)
        plane = plane + 60 * (u > 0.8 + 0.1 * v) + rng.normal(0, 8, plane.shape)
        planes.append(plane)
    return np.clip(np.stack(planes, -1), 0, 255).astype(np.uint8)


def picture(width, height, mode="RGB", seed=0):
    channels = {"L": 1, "LA": 2, "RGB": 3, "RGBA": 4, "CMYK": 4}[mode]
    pixels = natural(width, height, seed, channels)
    return Image.fromarray(pixels[..., 0] if channels == 1 else pixels, mode=mode)


def saved(image, kind, **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


# PNG

def png_chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


ADAM7 = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]


def png(samples, depth, color, interlaced=False, extra=b"", after=b"", filters=(0, 1, 2, 3, 4)):
    """samples: (height, width, channels) of 0 to 2^depth - 1. All five row filters are used in turn."""
    height, width = samples.shape[:2]

    def packed_rows(part):
        if depth == 16:
            return part.astype(">u2").reshape(part.shape[0], -1).view(np.uint8)
        flat = part.reshape(part.shape[0], -1).astype(np.uint8)
        if depth == 8:
            return flat
        bits = np.unpackbits(flat[..., None], axis=-1)[..., 8 - depth:].reshape(flat.shape[0], -1)
        return np.packbits(bits, axis=1)

    def filtered(part):
        rows = packed_rows(part).astype(np.int64)
        step = max(1, samples.shape[2] * depth // 8)
        out, above = b"", np.zeros(rows.shape[1], np.int64)
        for i, row in enumerate(rows):
            kind = filters[i % len(filters)]
            left = np.concatenate([np.zeros(step, np.int64), row])[: len(row)]
            corner = np.concatenate([np.zeros(step, np.int64), above])[: len(row)]
            estimate = left + above - corner
            distances = [abs(estimate - left), abs(estimate - above), abs(estimate - corner)]
            paeth = np.where((distances[0] <= distances[1]) & (distances[0] <= distances[2]), left,
                             np.where(distances[1] <= distances[2], above, corner))
            guess = [0, left, above, (left + above) // 2, paeth][kind]
            out += bytes([kind]) + ((row - guess) & 255).astype(np.uint8).tobytes()
            above = row
        return out

    parts = [samples[y::dy, x::dx] for x, y, dx, dy in ADAM7] if interlaced else [samples]
    data = b"".join(filtered(part) for part in parts if part.size)
    header = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, int(interlaced))
    return (b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header) + extra + png_chunk(b"IDAT", zlib.compress(data))
            + after + png_chunk(b"IEND", b""))


def random_samples(width, height, depth, channels, seed):
    coarse = natural(width, height, seed, channels).astype(np.uint32)
    fine = np.random.default_rng(seed).integers(0, 256, coarse.shape).astype(np.uint32)
    return (coarse << 8 | fine) >> (16 - depth)


def png_files():
    files = {}
    for interlaced in (False, True):
        tag = "interlaced-" if interlaced else ""
        for color, depths, channels in [(0, (1, 2, 4, 8, 16), 1), (2, (8, 16), 3), (3, (1, 2, 4, 8), 1),
                                        (4, (8, 16), 2), (6, (8, 16), 4)]:
            for depth in depths:
                samples = random_samples(37, 29, depth, channels, depth + color)
                extra = b""
                if color == 3:
                    palette = np.random.default_rng(depth).integers(0, 256, (2**depth, 3), dtype=np.uint8)
                    extra = png_chunk(b"PLTE", palette.tobytes())
                files[f"{tag}color{color}-depth{depth}.png"] = png(samples, depth, color, interlaced, extra)
    small = np.arange(16, dtype=np.uint32).reshape(4, 4, 1)
    palette = png_chunk(b"PLTE", np.random.default_rng(1).integers(0, 256, (16, 3), dtype=np.uint8).tobytes())
    short_palette = png_chunk(b"PLTE", bytes(range(30)))
    files["palette-short.png"] = png(small, 4, 3, extra=short_palette)
    for name, alpha in [("one", b"\xff\xff\x00\xff"), ("first", b"\x00"), ("many", b"\x00\x80\xff\x00"),
                        ("half", b"\xff\x80")]:
        files[f"palette-trns-{name}.png"] = png(small, 4, 3, extra=palette + png_chunk(b"tRNS", alpha))
    for depth, values in [(1, (0, 1)), (2, (0, 2)), (4, (0, 9)), (8, (0, 7, 200)), (16, (0, 256, 40000))]:
        samples = random_samples(8, 8, depth, 1, 3)
        for value in values:
            samples[0, 0] = value
            transparent = png_chunk(b"tRNS", struct.pack(">H", value))
            files[f"grey{depth}-trns-{value}.png"] = png(samples, depth, 0, extra=transparent)
    for depth in (8, 16):
        samples = random_samples(8, 8, depth, 3, 4)
        key = struct.pack(">HHH", *(int(v) for v in samples[3, 3]))
        files[f"rgb{depth}-trns.png"] = png(samples, depth, 2, extra=png_chunk(b"tRNS", key))
    for size in [(1, 1), (1, 9), (9, 1), (3, 2)]:
        files[f"interlaced-{size[0]}x{size[1]}.png"] = png(random_samples(*size, 8, 3, 1), 8, 2, True)
        files[f"interlaced-grey16-{size[0]}x{size[1]}.png"] = png(random_samples(*size, 16, 1, 1), 16, 0, True)
    files["gamma.png"] = png(random_samples(9, 9, 8, 3, 1), 8, 2, extra=png_chunk(b"gAMA", struct.pack(">I", 30000)))
    return files


def exif_block(orientation, order="<", kind=3, count=1):
    mark = b"II" if order == "<" else b"MM"
    value = struct.pack(order + {3: "HH", 4: "I", 1: "BBBB"}[kind], *{3: (orientation, 0), 4: (orientation,),
                                                                      1: (orientation, 0, 0, 0)}[kind])
    return (mark + struct.pack(order + "HI", 42, 8) + struct.pack(order + "H", 1)
            + struct.pack(order + "HHI", 0x112, kind, count) + value + struct.pack(order + "I", 0))


def xmp_packet(orientation):
    return (b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description tiff:Orientation="%d"/></x:xmpmeta>' % orientation)


def oriented_files():
    files = {}
    image = picture(23, 17, seed=5)
    samples = natural(13, 7, 6).astype(np.uint32)
    for o in range(0, 10):
        block = exif_block(o, "<" if o % 2 else ">")
        files[f"exif{o}.jpg"] = saved(image, "JPEG", exif=b"Exif\0\0" + block, quality=90)
        files[f"exif{o}.webp"] = saved(image, "WEBP", exif=block, lossless=True)
        files[f"exif{o}.png"] = png(samples, 8, 2, extra=png_chunk(b"eXIf", block))
        files[f"xmp{o}.jpg"] = saved(image, "JPEG", xmp=xmp_packet(o))
    files["exif-after.png"] = png(samples, 8, 2, after=png_chunk(b"eXIf", exif_block(6)))
    files["exif-long.png"] = png(samples, 8, 2, extra=png_chunk(b"eXIf", exif_block(8, ">", 4)))
    files["exif-byte.png"] = png(samples, 8, 2, extra=png_chunk(b"eXIf", exif_block(8, "<", 1)))
    files["exif-over-xmp.jpg"] = saved(image, "JPEG", exif=b"Exif\0\0" + exif_block(3), xmp=xmp_packet(6))
    files["xmp.webp"] = saved(image, "WEBP", xmp=xmp_packet(6), lossless=True)
    itxt = b"XML:com.adobe.xmp\0\0\0\0\0" + xmp_packet(5).replace(b'="5"/>', b">5<")
    files["xmp.png"] = png(samples, 8, 2, extra=png_chunk(b"iTXt", itxt))
    block = b"Exif\0\0" + exif_block(7)
    raw = b"Raw profile type exif\0\nexif\n%8d\n%s\n" % (len(block), block.hex().encode())
    files["raw-profile.png"] = png(samples, 8, 2, extra=png_chunk(b"tEXt", raw))
    packed = b"Raw profile type exif\0\0" + zlib.compress(raw.split(b"\0", 1)[1])
    files["raw-profile-packed.png"] = png(samples, 8, 2, extra=png_chunk(b"zTXt", packed))
    files["xmp-packed.png"] = png(samples, 8, 2, extra=png_chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(xmp_packet(8))))
    files["exif-headed.png"] = png(samples, 8, 2, extra=png_chunk(b"eXIf", b"Exif\0\0" + exif_block(6)))
    files["exif-twice.png"] = png(samples, 8, 2, extra=png_chunk(b"eXIf", exif_block(3)), after=png_chunk(b"eXIf", exif_block(8)))
    far = exif_block(6)[:4] + struct.pack("<I", 70008) + bytes(70000) + exif_block(6)[8:]
    files["exif-far.webp"] = saved(image, "WEBP", exif=far, lossless=True)
    lost = struct.pack("<2sHIHHHII", b"II", 42, 8, 2, 0x8769, 4, 1, 0xFFFFFFF0) + exif_block(6)[10:]  # a directory that is nowhere
    files["exif-lost-directory.jpg"] = saved(image, "JPEG", exif=b"Exif\0\0" + lost)
    return files


def jpeg_files():
    files = {}
    for width, height in [(1, 1), (8, 8), (17, 9), (64, 48), (133, 71), (640, 427)]:
        image = picture(width, height, seed=width)
        for sampling in ("4:4:4", "4:2:2", "4:2:0"):
            for progressive in (False, True):
                name = f"{width}x{height}-{sampling.replace(':', '')}{'-progressive' if progressive else ''}.jpg"
                files[name] = saved(image, "JPEG", quality=80, subsampling=sampling, progressive=progressive)
        files[f"{width}x{height}-grey.jpg"] = saved(picture(width, height, "L"), "JPEG", quality=75)
        files[f"{width}x{height}-cmyk.jpg"] = saved(picture(width, height, "CMYK"), "JPEG", quality=85)
    image = picture(70, 50, seed=9)
    for quality in (1, 5, 30, 60, 95, 100):
        files[f"quality{quality}.jpg"] = saved(image, "JPEG", quality=quality)
    files["rgb.jpg"] = saved(image, "JPEG", keep_rgb=True)
    files["restarts.jpg"] = saved(image, "JPEG", restart_marker_blocks=3)
    files["optimized.jpg"] = saved(image, "JPEG", optimize=True)
    files["grey-progressive.jpg"] = saved(picture(70, 50, "L"), "JPEG", progressive=True)
    files["junk-after.jpg"] = saved(image, "JPEG") + b"junk" * 100
    files["no-end-marker.jpg"] = saved(image, "JPEG")[:-2] + b"\xff\xd9"[:0] + b"\xff\xd9"
    cmyk = saved(picture(40, 30, "CMYK"), "JPEG", quality=90)
    at = cmyk.index(b"Adobe")
    files["ycck.jpg"] = cmyk[: at + 11] + b"\x02" + cmyk[at + 12:]
    files["cmyk-no-adobe.jpg"] = cmyk[: at - 4] + cmyk[at + 12:]
    files["icc.jpg"] = saved(image, "JPEG", icc_profile=b"not a profile" * 20)
    return files


def webp_files():
    files = {}
    for width, height in [(1, 1), (17, 9), (133, 71)]:
        for mode in ("RGB", "RGBA"):
            image = picture(width, height, mode, seed=height)
            for lossless in (False, True):
                name = f"{width}x{height}-{mode.lower()}{'-lossless' if lossless else ''}.webp"
                files[name] = saved(image, "WEBP", lossless=lossless, quality=80, exact=True)
    frames = [picture(40, 30, "RGBA", seed) for seed in range(3)]
    files["animated.webp"] = saved(frames[0], "WEBP", save_all=True, append_images=frames[1:], duration=50)
    part = Image.new("RGBA", (40, 30))
    part.paste(frames[0].crop((0, 0, 11, 9)), (14, 10))
    files["animated-part.webp"] = saved(part, "WEBP", save_all=True, append_images=frames[1:], lossless=True,
                                        minimize_size=True, background=(255, 0, 0, 255))
    return files


# GIF

def gif(indices, screen, offset=(0, 0), palette=b"", local=b"", interlaced=False, transparent=None, background=0):
    """Literal codes only: 8-bit indices, a clear code every 100 pixels."""
    height, width = indices.shape

    def flags(colors):
        return 0x80 | (len(colors) // 3).bit_length() - 2 if colors else 0

    out = b"GIF89a" + struct.pack("<HHBBB", *screen, flags(palette), background, 0) + palette
    out += b"!\xfe\x05hello\x00"
    if transparent is not None:
        out += b"!\xf9\x04" + bytes([1, 0, 0, transparent]) + b"\x00"
    out += b"," + struct.pack("<HHHHB", *offset, width, height, flags(local) | (0x40 if interlaced else 0)) + local
    order = [*range(0, height, 8), *range(4, height, 8), *range(2, height, 4), *range(1, height, 2)]
    rows = indices[order] if interlaced else indices
    bits, size, codes = 0, 0, [256]
    for i, value in enumerate(rows.reshape(-1)):
        if i % 100 == 99:
            codes.append(256)
        codes.append(int(value))
    for code in codes + [257]:
        bits |= code << size
        size += 9
    data = bits.to_bytes((size + 7) // 8, "little")
    blocks = b"".join(bytes([len(data[i:i + 255])]) + data[i:i + 255] for i in range(0, len(data), 255))
    return out + b"\x08" + blocks + b"\x00;"


def gif_files():
    files = {}
    rng = np.random.default_rng(2)
    colors = rng.integers(0, 256, 768, dtype=np.uint8).tobytes()
    other = rng.integers(0, 256, 768, dtype=np.uint8).tobytes()
    grey = bytes(v for i in range(256) for v in (i, i, i))
    short = rng.integers(0, 256, 12, dtype=np.uint8).tobytes()
    indices = natural(21, 19, 3, 1)[..., 0]
    few = indices // 64
    files["plain.gif"] = gif(indices, (21, 19), palette=colors)
    blocks = 13 + len(colors)  # behind the header and the palette
    files["stray.gif"] = files["plain.gif"][:blocks] + b"\0\7" + files["plain.gif"][blocks:]
    files["interlaced.gif"] = gif(indices, (21, 19), palette=colors, interlaced=True)
    files["local.gif"] = gif(indices, (21, 19), palette=colors, local=other)
    files["local-grey.gif"] = gif(indices, (21, 19), palette=colors, local=grey, transparent=100)
    files["local-short-grey.gif"] = gif(indices, (21, 19), palette=colors, local=grey[:12])
    files["no-palette.gif"] = gif(indices, (21, 19))
    files["short.gif"] = gif(few, (21, 19), palette=short)
    files["short-beyond.gif"] = gif(indices, (21, 19), palette=short)
    files["transparent.gif"] = gif(few, (21, 19), palette=short, transparent=2)
    files["transparent-beyond.gif"] = gif(few, (21, 19), palette=short, transparent=77)
    files["offset.gif"] = gif(indices, (40, 30), (7, 5), palette=colors, background=9)
    files["offset-transparent.gif"] = gif(indices, (40, 30), (7, 5), palette=colors, transparent=31)
    files["beyond-screen.gif"] = gif(indices, (10, 10), (7, 5), palette=colors)
    files["interlaced-1.gif"] = gif(indices[:1], (21, 1), palette=colors, interlaced=True)
    files["interlaced-3.gif"] = gif(indices[:3], (21, 3), palette=colors, interlaced=True)
    image = picture(90, 60, seed=4).quantize(256)
    files["pillow.gif"] = saved(image, "GIF")
    files["pillow-interlaced.gif"] = saved(image, "GIF", interlace=1)
    files["animated.gif"] = saved(image, "GIF", save_all=True, append_images=[image.rotate(90)], transparency=5)
    files["grey.gif"] = saved(picture(33, 22, "L"), "GIF")
    return files


# BMP

def bmp(pixels, width, height, bits, compression=0, palette=b"", colors=0, masks=b"", header_size=40, extra_masks=b""):
    if header_size == 12:
        header = struct.pack("<IHHHH", 12, width, height, 1, bits)
    else:
        header = struct.pack("<IiiHHIIiiII", header_size, width, height, 1, bits, compression, len(pixels), 2835, 2835,
                             colors, 0)
        header += extra_masks.ljust(header_size - 40, b"\0")
    offset = 14 + len(header) + len(masks) + len(palette)
    return b"BM" + struct.pack("<IHHI", offset + len(pixels), 0, 0, offset) + header + masks + palette + pixels


def bmp_rows(rows):
    return b"".join(row.tobytes() + b"\0" * (-len(row.tobytes()) % 4) for row in rows)


def run_lengths(rows, nibbles):
    """Encoded, absolute and end-of-line codes in turn."""
    out = b""
    for row in rows:
        x = 0
        while x < len(row):
            left = len(row) - x
            if left >= 5 and x % 2 == 0:
                part = row[x:x + 5]
                out += bytes([0, 5])
                if nibbles:
                    out += bytes([part[0] << 4 | part[1], part[2] << 4 | part[3], part[4] << 4, 0])
                else:
                    out += bytes(part) + b"\0"
                x += 5
            else:
                out += bytes([1, row[x] << 4 if nibbles else row[x]])
                x += 1
        out += b"\0\0"
    return out + b"\0\1"


def bmp_files():
    files = {}
    rng = np.random.default_rng(8)
    for mode in ("L", "RGB"):
        files[f"pillow-{mode.lower()}.bmp"] = saved(picture(21, 13, mode), "BMP")
    files["pillow-1.bmp"] = saved(picture(21, 13, "L").convert("1"), "BMP")
    files["pillow-p.bmp"] = saved(picture(21, 13).quantize(40), "BMP")
    files["pillow-rgba.bmp"] = saved(picture(21, 13, "RGBA"), "BMP")
    entry = lambda n: b"".join(bytes(rng.integers(0, 256, 3).tolist()) + b"\0" for _ in range(n))  # noqa: E731
    p2, p16, p256 = entry(2), entry(16), entry(256)
    w, h = 13, 9
    index = {n: rng.integers(0, 2**n, (h, w), dtype=np.uint8) for n in (1, 4, 8)}
    ones = np.packbits(index[1], axis=1)
    padded = np.pad(index[4], ((0, 0), (0, 1)))
    fours = (padded[:, ::2] << 4 | padded[:, 1::2]).astype(np.uint8)
    files["bits1.bmp"] = bmp(bmp_rows(ones), w, h, 1, palette=p2)
    files["bits1-grey.bmp"] = bmp(bmp_rows(ones), w, h, 1, palette=b"\0\0\0\0\xff\xff\xff\0")
    files["bits4.bmp"] = bmp(bmp_rows(fours), w, h, 4, palette=p16)
    files["bits4-short.bmp"] = bmp(bmp_rows(fours), w, h, 4, palette=p16[:20], colors=5)
    files["bits8.bmp"] = bmp(bmp_rows(index[8]), w, h, 8, palette=p256)
    files["bits8-top-down.bmp"] = bmp(bmp_rows(index[8]), w, -h, 8, palette=p256)
    files["bits8-core.bmp"] = bmp(bmp_rows(index[8]), w, h, 8, header_size=12,
                                  palette=b"".join(p256[i:i + 3] for i in range(0, 1024, 4)))
    files["bits8-unpadded-end.bmp"] = files["bits8.bmp"][:-3]
    sixteen = rng.integers(0, 65536, (h, w), dtype=np.uint16)
    files["bits16.bmp"] = bmp(bmp_rows(sixteen), w, h, 16)
    files["bits16-565.bmp"] = bmp(bmp_rows(sixteen), w, h, 16, 3, masks=struct.pack("<III", 0xF800, 0x7E0, 0x1F))
    files["bits16-555.bmp"] = bmp(bmp_rows(sixteen), w, h, 16, 3, masks=struct.pack("<III", 0x7C00, 0x3E0, 0x1F))
    files["bits24.bmp"] = bmp(bmp_rows(rng.integers(0, 256, (h, w * 3), dtype=np.uint8)), w, h, 24)
    files["bits24-top-down.bmp"] = bmp(bmp_rows(rng.integers(0, 256, (h, w * 3), dtype=np.uint8)), w, -h, 24)
    four = rng.integers(0, 256, (h, w * 4), dtype=np.uint8)
    files["bits32.bmp"] = bmp(bmp_rows(four), w, h, 32)
    for i, masks in enumerate([(0xFF0000, 0xFF00, 0xFF), (0xFF000000, 0xFF0000, 0xFF00), (0xFF000000, 0xFF00, 0xFF)]):
        files[f"bits32-masks{i}.bmp"] = bmp(bmp_rows(four), w, h, 32, 3, masks=struct.pack("<III", *masks))
    for i, masks in enumerate([(0xFF000000, 0xFF0000, 0xFF00, 0xFF), (0xFF, 0xFF00, 0xFF0000, 0xFF000000),
                               (0xFF0000, 0xFF00, 0xFF, 0xFF000000), (0xFF000000, 0xFF00, 0xFF, 0xFF0000),
                               (0, 0, 0, 0)]):
        files[f"bits32-v5-masks{i}.bmp"] = bmp(bmp_rows(four), w, h, 32, 3, header_size=124,
                                               extra_masks=struct.pack("<IIII", *masks))
    files["rle8.bmp"] = bmp(run_lengths(index[8].tolist(), False), w, h, 8, 1, palette=p256)
    files["rle8-top-down.bmp"] = bmp(run_lengths(index[8].tolist(), False), w, -h, 8, 1, palette=p256)
    files["rle4.bmp"] = bmp(run_lengths(index[4].tolist(), True), w, h, 4, 2, palette=p16)
    runs = bytes([5, 7, 0, 2, 3, 1]) + bytes([4, 9, 0, 0]) + bytes([13, 1, 0, 0]) * 7 + b"\0\1"
    files["rle8-delta.bmp"] = bmp(runs, w, h, 8, 1, palette=p256)
    return files


def all_files():
    files = {}
    for group in (png_files, oriented_files, jpeg_files, webp_files, gif_files, bmp_files):
        files.update({f"{group.__name__[:-6]}-{name}": data for name, data in group().items()})
    return files


# Files for tests/unit/media, and what Pillow makes of them: python3 picture_files.py ../data/pictures

UNIT_FILES = """
png-color0-depth1.png png-color0-depth2.png png-color0-depth4.png png-color0-depth16.png png-color2-depth16.png
png-color3-depth4.png png-color4-depth8.png png-color6-depth8.png png-interlaced-color2-depth8.png
png-interlaced-color0-depth16.png png-palette-trns-one.png png-palette-trns-many.png png-grey8-trns-7.png
png-rgb8-trns.png png-palette-short.png
jpeg-17x9-420.jpg jpeg-17x9-422-progressive.jpg jpeg-17x9-grey.jpg jpeg-17x9-cmyk.jpg jpeg-ycck.jpg jpeg-restarts.jpg
oriented-exif6.jpg oriented-exif7.png oriented-exif8.webp oriented-xmp5.jpg oriented-raw-profile.png
webp-17x9-rgb.webp webp-17x9-rgba-lossless.webp webp-animated-part.webp
gif-plain.gif gif-interlaced.gif gif-local-grey.gif gif-offset-transparent.gif gif-beyond-screen.gif
bmp-bits1.bmp bmp-bits4.bmp bmp-bits8-core.bmp bmp-bits8-top-down.bmp bmp-bits16-565.bmp bmp-bits24.bmp
bmp-bits32-v5-masks3.bmp bmp-rle4.bmp bmp-rle8-delta.bmp
""".split()


def write_unit_files(folder):
    import pathlib
    import warnings

    from transformers.image_utils import load_image
    warnings.simplefilter("ignore")
    files = all_files()
    for name in UNIT_FILES:
        path = pathlib.Path(folder) / name
        path.write_bytes(files[name])
        load_image(str(path)).save(f"{path}.ppm")


if __name__ == "__main__":
    import sys
    write_unit_files(sys.argv[1])
