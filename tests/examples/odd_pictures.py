"""Pictures as people send them, made of one good one."""

from PIL import Image


def write_odd_pictures(good, folder):
    """Kind -> file; those of `BAD` are answered by 400, the others by 200."""
    folder.mkdir()
    with Image.open(good) as picture:
        picture.convert('L').save(folder / 'grey.jpg')
        picture.convert('CMYK').save(folder / 'cmyk.jpg')
        picture.convert('RGBA').save(folder / 'rgba.png')
        picture.resize((6000, 4000)).save(folder / 'huge.jpg')
    Image.new('RGB', (1, 1), 'teal').save(folder / 'pixel.png')
    (folder / 'empty.jpg').write_bytes(b'')
    (folder / 'text.jpg').write_text('This is no picture.')
    return {path.stem: path for path in folder.iterdir()}


BAD = {'empty': 'the picture is empty', 'text': 'its bytes are no picture'}


def assert_answered(page, name, pictures, refused=()):
    """Each kind of picture gets what it should; those of `refused` are 400 as well."""
    for kind, path in pictures.items():
        status, answer = page.post(name, path)
        if kind in BAD:
            assert status == 400, (kind, answer)
            assert BAD[kind] in answer['message']
        else:
            assert status == (400 if kind in refused else 200), (kind, answer)
