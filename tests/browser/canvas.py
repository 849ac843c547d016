"""The pixels of a canvas."""

import base64

import numpy

# As text, because a list of so many numbers takes minutes.
READ = """canvas => {
    const {width, height} = canvas;
    const {data} = canvas.getContext('2d').getImageData(0, 0, width, height);
    const pieces = [];
    for (let start = 0; start < data.length; start += 8192)
        pieces.push(String.fromCharCode(...data.subarray(start, start + 8192)));
    return [height, width, btoa(pieces.join(''))];
}"""


def pixels_of(read):
    """Return what `READ` gave as an array: rows, columns, RGB."""
    rows, columns, encoded = read
    data = numpy.frombuffer(base64.b64decode(encoded), "u1")
    return data.reshape(rows, columns, 4)[..., :3].astype(int)
