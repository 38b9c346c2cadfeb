"""The console as people use it: in Chromium, on a desk and on a phone."""

import io
import json
import os
import re
import shutil
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import console_models
import pytest
import requests
from harness import Server
from PIL import Image

# Where a pen goes for each digit, in parts of the board.
STROKES = {
    'two': [(.3, .25), (.5, .12), (.7, .25), (.65, .45), (.3, .85), (.75, .85)],
    'seven': [(.25, .15), (.75, .15), (.55, .5), (.42, .88)],
    'zero': [(.5, .1), (.3, .22), (.25, .5), (.32, .78), (.5, .9), (.68, .78), (.75, .5),
             (.7, .22), (.5, .1)],
}
SHARE = re.compile(r'([\d.]+)%')


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp('console')


@pytest.fixture(scope='module')
def pictures(chromium, folder):
    return console_models.digits(folder)


@pytest.fixture(scope='module')
def server(pictures, folder):
    started = Server(folder / 'server', [
        '--models', f'digits={folder}/digits.model', *console_models.others(folder)])
    yield started.wait_until_up()
    started.stop()


@pytest.fixture
def look(server, visit):
    """Visit the page of a model, or that of all, and wait until it is there."""
    @contextmanager
    def look(model='', *arguments, **options):
        url = f'{server.url}/console' + (f'#/models/{model}' if model else '')
        with visit(url, *arguments, **options) as visited:
            visited.page.wait_for_selector('main h1')
            yield visited

    return look


def draw(page, strokes):
    board = page.locator('.board').bounding_box()

    def at(point):
        return board['x'] + point[0] * board['width'], board['y'] + point[1] * board['height']

    page.mouse.move(*at(strokes[0]))
    page.mouse.down()
    for point in strokes[1:]:
        page.mouse.move(*at(point), steps=5)
    page.mouse.up()


def bars(page):
    """Label and percentage of each bar."""
    page.wait_for_selector('.bars')
    return [(row.locator('.label').inner_text(), row.locator('.value').inner_text())
            for row in page.locator('.bars li').all()]


def picture(width=64, height=48, colour=(200, 30, 30)):
    written = io.BytesIO()
    Image.new('RGB', (width, height), colour).save(written, 'PNG')
    return {'name': 'red.png', 'mimeType': 'image/png', 'buffer': written.getvalue()}


def choose(page, file):
    page.locator('.drop input[type=file]').first.set_input_files(file)


@pytest.mark.parametrize('digit', STROKES)
def test_a_digit_that_is_drawn_is_recognised(look, digit):
    with look('digits', 'phone' if digit == 'seven' else 'wide') as visit:
        draw(visit.page, STROKES[digit])
        rows = bars(visit.page)
        assert len(rows) == 5
        assert rows[0][0] == digit
        assert float(SHARE.search(rows[0][1])[1]) > 50
        visit.shot(f'digits-drawn-{digit}')


def test_a_board_that_was_wiped_is_drawn_on_anew(look):
    with look('digits') as visit:
        draw(visit.page, STROKES['two'])
        assert bars(visit.page)[0][0] == 'two'
        visit.page.click('text=Wipe')
        draw(visit.page, STROKES['zero'])
        visit.page.wait_for_selector('.bars li:first-child .label:text("zero")')


def test_a_picture_that_is_chosen_is_answered_with_the_numbers_of_the_model(
        look, server, pictures):
    file = next(pictures.glob('*_four.png'))
    told = requests.post(f'{server.url}/digits/predict',
                         files={'data': file.read_bytes()}).json()['prediction'][0]
    with look('digits') as visit:
        visit.page.click('role=tab[name="Picture"]')
        choose(visit.page, file)
        rows = bars(visit.page)
        assert [label for label, _ in rows] == [entry['class'] for entry in told]
        assert float(SHARE.search(rows[0][1])[1]) == pytest.approx(
            told[0]['probability'] * 100, abs=0.06)


@pytest.mark.parametrize('width', ['wide', 'phone'])
def test_what_is_answered_is_seen_in_the_figures(look, width):
    with look('digits', width) as visit:
        asked = visit.page.locator('dt:text-is("Requests") + dd')
        visit.page.wait_for_function('() => document.querySelector(".rows dd")?.textContent')
        before = int(asked.inner_text().replace(',', ''))
        draw(visit.page, STROKES['two'])
        bars(visit.page)
        visit.page.wait_for_function(
            'before => Number([...document.querySelectorAll(".rows dt")].find('
            'each => each.textContent === "Requests").nextSibling.textContent'
            '.replace(",", "")) > before', arg=before)
        visit.page.wait_for_function('() => [...document.querySelectorAll(".plot .legend b")].some('
                                     'each => /[1-9].*ms/.test(each.textContent))')
        assert visit.page.locator('.plot .line-0').first.get_attribute('d')
        visit.shot(f'digits-figures-{width}')


def test_boxes_are_drawn_where_the_model_has_said(look):
    with look('boxes') as visit:
        choose(visit.page, picture())
        visit.page.wait_for_selector('.boxes rect >> nth=1')
        assert visit.page.locator('.boxes').get_attribute('viewBox') == '0 0 64 48'
        drawn = [[float(each.get_attribute(name)) for name in ('x', 'y', 'width', 'height')]
                 for each in visit.page.locator('.boxes rect').all()]
        assert drawn == [box[2:] for box in console_models.BOXES]
        assert visit.page.locator('.boxes text').all_text_contents() == ['left', 'right']
        assert visit.page.locator('.detections .value').all_inner_texts() == ['90.0%', '75.0%']
        visit.shot('boxes')


def test_a_picture_that_is_answered_is_shown(look):
    with look('painter', 'phone') as visit:
        choose(visit.page, picture(30, 20))
        answered = visit.page.locator('.picture-answer')
        answered.wait_for()
        visit.page.wait_for_function(
            '() => document.querySelector(".picture-answer").naturalWidth === 30')
        visit.shot('picture-answered-phone')


def test_a_form_of_numbers_is_made_of_the_signature(look):
    with look('scale') as visit:
        fields = visit.page.locator('.cells input')
        assert fields.count() == 4
        for field, number in zip(fields.all(), ('1', '2', '-3.5', '10')):
            field.fill(number)
        visit.page.click('.try button.primary')
        shown = visit.page.locator('.result pre').first
        shown.wait_for()
        assert json.loads(shown.inner_text()) == [[10, 20, -35]]
        visit.shot('numbers')


def test_a_long_tensor_is_edited_as_json_and_looked_at_before_it_is_sent(look):
    with look('long') as visit:
        area, wrong = visit.page.locator('textarea'), visit.page.locator('.wrong')
        assert len(json.loads(area.input_value())[0]) == 2
        for text, told in (('[[[1', 'This is no JSON'), ('7', 'It has to be a list'),
                           ('[[[1, 2]]]', 'Dimension 2 has 1 entries; the model takes 2')):
            area.fill(text)
            assert told in wrong.inner_text()
            assert visit.page.locator('.try button.primary').is_disabled()
        visit.page.click('text=Random')
        assert not wrong.is_visible()
        area.press('Control+Enter')
        visit.page.wait_for_selector('.result pre')


def test_a_tensor_of_no_known_shape_is_a_list(look):
    with look('bare') as visit:
        visit.page.click('text=Random')
        visit.page.click('text=Zeros')
        assert visit.page.locator('textarea').input_value() == '[0]'
        visit.page.click('.try button.primary')
        visit.page.wait_for_selector('.result pre')


def test_a_page_goes_on_after_an_answer_that_cannot_be_read(look):
    with look() as visit:
        page = visit.page
        page.wait_for_selector('.card .badge.state-ready')
        page.route('**/console/state', lambda route: route.fulfill(body='{"server": '))
        page.wait_for_selector('#banner >> text=The server cannot be reached')
        page.unroute('**/console/state')
        page.wait_for_selector('#banner >> text=The server cannot be reached', state='detached')
        page.route('**/console/state', lambda route: route.fulfill(
            status=502, body='{"message": {"of": "a proxy"}}'))
        page.wait_for_selector('#banner >> text=The server failed over this')
        page.unroute('**/console/state')
        page.wait_for_selector('#banner >> text=The server failed over this', state='detached')
        # The browser says so, too.
        assert all('502' in each for each in visit.wrong)
        visit.wrong.clear()


def test_a_page_goes_on_after_a_fault_of_its_own(look):
    with look() as visit:
        page = visit.page
        page.wait_for_selector('.card .badge.state-ready')
        # While it goes on, and before it knows anything.
        for moment in (lambda: None, page.reload):
            with page.expect_event('pageerror'):
                page.route('**/console/state', lambda route: route.fulfill(body='{}'))
                moment()
            page.unroute('**/console/state')
            with page.expect_response('**/console/state'):
                pass
            page.wait_for_selector('.card .badge.state-ready')
        visit.wrong.clear()


def test_what_a_model_fails_over_is_said_with_the_id_of_the_request(look, server):
    with look('long') as visit:
        area = visit.page.locator('textarea')
        area.fill(json.dumps([[[13] * 20, [0] * 20]]))
        visit.page.click('.try button.primary')
        told = visit.page.locator('.result .notice')
        told.wait_for()
        assert 'The model failed over this request' in told.inner_text()
        assert told.locator('code').inner_text() in server.log
        # The browser says so, too.
        assert any('500' in each for each in visit.wrong)
        visit.wrong.clear()
        visit.shot('failure')


def test_a_file_that_is_no_picture_is_told_and_no_broken_one_is_shown(look):
    with look('boxes') as visit:
        choose(visit.page, {'name': 'notes.txt', 'mimeType': 'text/plain', 'buffer': b'hello'})
        visit.page.wait_for_selector('.wrong:visible')
        assert visit.page.locator('.drop .wrong').inner_text() == (
            'notes.txt is no picture that can be read: choose a JPEG, PNG or BMP.')
        choose(visit.page, {'name': 'notes.jpg', 'mimeType': 'image/jpeg', 'buffer': b'hello'})
        visit.page.locator('.result .notice').wait_for()
        assert 'its bytes are no picture' in visit.page.locator('.result .notice').inner_text()
        assert not visit.page.locator('.preview img').is_visible()
        visit.wrong.clear()


TRANSFER = '''async (colour) => {
  const canvas = Object.assign(document.createElement('canvas'), { width: 20, height: 10 });
  const pen = canvas.getContext('2d');
  pen.fillStyle = colour;
  pen.fillRect(0, 0, 20, 10);
  const blob = await new Promise((done) => { canvas.toBlob(done, 'image/webp'); });
  const data = new DataTransfer();
  data.items.add(new File([blob], 'shot.webp', { type: 'image/webp' }));
  return data;
}'''


@pytest.mark.parametrize('way', ['drop', 'paste'])
def test_a_picture_is_dropped_or_pasted_also_of_a_kind_that_the_server_does_not_read(look, way):
    with look('painter') as visit:
        page = visit.page
        data = page.evaluate_handle(TRANSFER, '#0a0')
        if way == 'drop':
            page.dispatch_event('.drop', 'drop', {'dataTransfer': data})
        else:
            page.evaluate('data => document.dispatchEvent(new ClipboardEvent("paste", '
                          '{ clipboardData: data, bubbles: true }))', data)
        page.wait_for_function(
            '() => document.querySelector(".picture-answer")?.naturalWidth === 20')
        assert 'shot.png' in page.locator('.preview').inner_text()


def test_the_camera_takes_a_picture(look):
    with look('painter', permissions=['camera']) as visit:
        visit.page.click('text=Use the camera')
        visit.page.click('dialog button.primary:enabled')
        visit.page.wait_for_function(
            '() => document.querySelector(".picture-answer")?.naturalWidth > 100')
        assert visit.page.locator('dialog').count() == 0
        assert 'photo.jpg' in visit.page.locator('.preview').inner_text()


def lines(page, language):
    page.click(f'role=tab[name="{language}"]')
    return page.locator('.snippet pre:visible').last.inner_text()


def run(language, text, folder):
    node = shutil.which('node', path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    words = {'curl': ['sh', '-c', f'{text} --silent'], 'Python': [sys.executable, '-c', text],
             'JavaScript': [node or 'node', '--input-type=module', '-e', text]}[language]
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=60,
                          check=False)
    assert done.returncode == 0, done.stderr
    if language == 'Python':
        # It prints a value of Python.
        return eval(done.stdout)
    answer = json.loads(done.stdout)
    return answer['prediction'] if language == 'curl' else answer


@pytest.mark.parametrize('language', ['curl', 'Python', 'JavaScript'])
def test_the_lines_that_are_shown_do_the_same(look, server, pictures, tmp_path, language):
    name = "it's; a \"four\".png"
    shutil.copy(next(pictures.glob('*_four.png')), tmp_path / name)
    with look('digits') as visit:
        visit.page.click('role=tab[name="Picture"]')
        choose(visit.page, tmp_path / name)
        rows = bars(visit.page)
        answer = run(language, lines(visit.page, language), tmp_path)
        assert [entry['class'] for entry in answer[0]] == [label for label, _ in rows]
    with look('scale') as visit:
        visit.page.locator('.cells input').first.fill('2')
        visit.page.locator('.cells input').last.fill('3')
        assert run(language, lines(visit.page, language), tmp_path) == [[[6, 0, 0]]]


def test_a_drawing_is_saved_for_the_lines_that_send_it(look, tmp_path):
    with look('digits') as visit:
        draw(visit.page, STROKES['seven'])
        rows = bars(visit.page)
        with visit.page.expect_download() as saved:
            visit.page.click('text=Save it')
        saved.value.save_as(tmp_path / saved.value.suggested_filename)
        assert run('curl', lines(visit.page, 'curl'), tmp_path)[0][0]['class'] == rows[0][0]


@pytest.mark.parametrize(('width', 'scheme'), [('wide', 'light'), ('phone', 'dark')])
def test_everybody_can_read_and_use_it(look, width, scheme):
    with look('', width, color_scheme=scheme, reduced_motion='reduce') as visit:
        visit.page.wait_for_selector('.card .badge.state-ready')
        assert visit.page.locator('.card').count() == 6
        visit.shot(f'overview-{width}-{scheme}')
        assert visit.violations() == []
        assert not visit.is_wider_than_its_window()
        visit.page.click('.card[data-model=digits] a')
        draw(visit.page, STROKES['two'])
        bars(visit.page)
        visit.shot(f'digits-{width}-{scheme}')
        assert visit.violations() == []
        assert not visit.is_wider_than_its_window()
        visit.page.click('text=← Models')
        visit.page.click('.card[data-model=scale] a')
        visit.page.wait_for_selector('.cells')
        visit.shot(f'scale-{width}-{scheme}')
        assert visit.violations() == []
        assert not visit.is_wider_than_its_window()


def test_it_is_used_with_keys_alone(look):
    with look() as visit:
        page = visit.page
        page.wait_for_selector('.card[data-model=scale]')
        page.focus('.card[data-model=scale] a')
        page.keyboard.press('Enter')
        page.wait_for_selector('.cells')
        assert page.evaluate('document.activeElement.id') == 'main'
        page.focus('role=tab[name="curl"]')
        page.keyboard.press('ArrowRight')
        assert page.locator('[role=tab][aria-selected=true]').inner_text() == 'Python'
        assert page.locator('.snippet:visible pre').inner_text().startswith('import requests')
        page.focus('.cells input')
        page.keyboard.press('Enter')
        page.wait_for_selector('.result pre')


def test_a_model_that_is_not_there_leads_to_those_that_are(look):
    with look('nobody') as visit:
        visit.page.wait_for_selector('.card')
        assert visit.page.locator('main .notice').inner_text() == (
            'Model nobody is not served here.')
