"""The examples of text: trained, exported, served and asked as their READMEs say."""

import json
import re
import shlex
import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from harness import REPO

EXAMPLES = {'char_cnn': REPO / 'examples' / 'gluon_character_cnn',
            'lstm_ptb': REPO / 'examples' / 'lstm_ptb'}
REVIEWS = {
    'German': 'Ich habe es in einer Nacht gelesen und kann es nur empfehlen.',
    'Polish': 'Bardzo dobra książka, przeczytałem ją w jedną noc.',
    'French': "Je l'ai lu en une nuit et je le recommande à tous.",
    'English': 'I read it in one night and would recommend it to everyone.',
    'Spanish': 'Lo leí en una sola noche y se lo recomiendo a todos.',
    'Finnish': 'Luin sen yhdessä yössä ja suosittelen sitä kaikille.',
    'Swedish': 'Jag läste den på en natt och kan rekommendera den till alla.',
    'Italian': "L'ho letto in una notte e lo consiglio a tutti.",
}
SENTENCES = [
    'the object', 'a return statement may be used',
    'if the value of the expression is not a string , an exception is raised by the function',
    'the class of the object is used as the first argument of the method that is called when the '
    'name of the attribute is not found in the namespace of the module',
]


# Both train.
pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope='module')
def pages(played):
    # Half of its epochs are enough for what its README shows.
    return {'char_cnn': played('examples/gluon_character_cnn/README.md', epochs=3),
            'lstm_ptb': played('examples/lstm_ptb/README.md')}


def post(pages, model, text):
    return requests.post(f'http://127.0.0.1:{pages[model].port}/{model}/predict',
                         data={'data': text}, timeout=60)


def ask(pages, model, *entries):
    answer = post(pages, model, json.dumps(entries))
    assert answer.status_code == 200, answer.text
    return answer.json()['prediction']


def curl_answer(page):
    """What the first curl command of a page printed."""
    return next(json.loads(output)['prediction'] for output in page.outputs
                if output.startswith('{"pred'))


def last_line_of_training(page):
    return page.outputs[0].splitlines()[-1]


def ask_language(pages, text):
    [classes] = ask(pages, 'char_cnn', {'review_title': '', 'review': text})
    return classes[0]['class']


def ask_next(pages, text):
    [answer] = ask(pages, 'lstm_ptb', {'input_sentence': text})
    return answer


def test_the_messages_left_out_of_the_training_are_mostly_told_right(pages):
    printed = last_line_of_training(pages['char_cnn'])
    found = re.fullmatch(r'char_cnn: held-out accuracy (\d\.\d+) on (\d+) messages in 10 languages',
                         printed)
    assert float(found[1]) > 0.8, printed
    assert int(found[2]) > 400


def test_the_sentences_left_out_of_the_training_surprise_less_than_their_words_do(pages):
    printed = last_line_of_training(pages['lstm_ptb'])
    found = re.fullmatch(r'lstm_ptb: held-out perplexity ([\d.]+) on (\d+) sentences; '
                         r'by frequency alone ([\d.]+)', printed)
    assert float(found[1]) < 0.65 * float(found[3]), printed
    assert int(found[2]) > 150


def test_the_readme_s_curl_line_asks_for_the_language_of_a_review(pages):
    [classes] = curl_answer(pages['char_cnn'])
    assert classes[0]['class'] == 'German'
    assert len(classes) == 5
    chances = [entry['probability'] for entry in classes]
    assert chances == sorted(chances, reverse=True)
    assert chances[0] > 0.5
    assert sum(chances) <= 1.001


def test_the_readme_s_curl_line_asks_for_the_next_word(pages):
    [answer] = curl_answer(pages['lstm_ptb'])
    words = [entry['word'] for entry in answer['next_words']]
    assert words[0] == 'to'
    assert len(set(words)) == 5
    assert answer['unknown_words'] == 0
    assert 1 < answer['perplexity'] < 1000


def test_reviews_are_told_apart(pages):
    told = {language: ask_language(pages, text) for language, text in REVIEWS.items()}
    wrong = {language for language, answer in told.items() if answer != language}
    assert len(wrong) <= 1, told


def test_a_sentence_surprises_less_than_its_words_in_another_order(pages):
    words = SENTENCES[2].split()
    there, back = (ask_next(pages, ' '.join(order)) for order in (words, words[::-1]))
    assert there['perplexity'] < 0.7 * back['perplexity']


def test_a_word_that_is_not_in_the_vocabulary_is_counted(pages):
    answer = ask_next(pages, 'the zebra is a Zyzzyva')
    assert answer['unknown_words'] == 2
    assert {entry['word'] for entry in answer['next_words']}.isdisjoint({'<unk>', '<pad>'})


def test_a_lone_word_has_next_words_but_no_perplexity(pages):
    answer = ask_next(pages, 'Instead')
    assert answer['perplexity'] is None
    assert len(answer['next_words']) == 5


def test_one_request_may_hold_several(pages):
    answers = ask(pages, 'lstm_ptb', *({'input_sentence': text} for text in SENTENCES))
    for answer, text in zip(answers, SENTENCES):
        assert_same(answer, ask_next(pages, text))
    reviews = ask(pages, 'char_cnn', *({'review_title': '', 'review': text}
                                        for text in REVIEWS.values()))
    assert [classes[0]['class'] for classes in reviews] \
        == [ask_language(pages, text) for text in REVIEWS.values()]


def assert_same(one, other):
    assert one['perplexity'] == pytest.approx(other['perplexity'], rel=1e-4)
    for entry, same in zip(one['next_words'], other['next_words']):
        assert entry['probability'] == pytest.approx(same['probability'], abs=1e-4)


def test_many_requests_at_once_are_answered_as_each_alone(pages):
    alone = {text: ask_next(pages, text) for text in SENTENCES}
    languages = {text: ask_language(pages, text) for text in REVIEWS.values()}
    with ThreadPoolExecutor(16) as threads:
        texts = SENTENCES * 12
        for text, answer in zip(texts, threads.map(lambda text: ask_next(pages, text), texts)):
            assert_same(answer, alone[text])
        texts = list(REVIEWS.values()) * 6
        for text, told in zip(texts, threads.map(lambda text: ask_language(pages, text), texts)):
            assert told == languages[text]
    for page in pages.values():
        assert 'is served one request at a time' not in page.log()


@pytest.mark.parametrize(('model', 'value', 'reason'), [
    ('char_cnn', '[]', 'data holds no review.'),
    ('char_cnn', '[7]', 'data[0] is int, not an object with review_title and review.'),
    ('char_cnn', "[{'review': 'y'}]", 'data[0] has no review_title.'),
    ('char_cnn', "[{'review_title': 'x'}]", 'data[0] has no review.'),
    ('char_cnn', "[{'review_title': 'x', 'review': None}]",
     'data[0]: review is NoneType, not text.'),
    ('char_cnn', "[{'review_title': 'x', 'review': 'y'}, {'review_title': '', 'review': '5!'}]",
     'data[1] has no Latin letter in its first 256 characters.'),
    ('lstm_ptb', '[]', 'data holds no sentence.'),
    ('lstm_ptb', '[7]', 'data[0] is int, not an object with input_sentence.'),
    ('lstm_ptb', "[{'sentence': 'y'}]", 'data[0] has no input_sentence.'),
    ('lstm_ptb', "[{'input_sentence': 7}]", 'data[0]: input_sentence is int, not text.'),
    ('lstm_ptb', "[{'input_sentence': ''}]", 'data[0]: input_sentence has no words.'),
    ('lstm_ptb', str([{'input_sentence': 'the ' * 61}]),
     'data[0]: input_sentence has 61 words, stops and commas; this model takes at most 60.'),
    ('lstm_ptb', str([{'input_sentence': 'the'}, {'input_sentence': 'a, ' * 31}]),
     'data[1]: input_sentence has 62 words, stops and commas; this model takes at most 60.'),
])
def test_what_cannot_be_answered_is_a_400_that_says_why(pages, model, value, reason):
    answer = post(pages, model, value)
    assert (answer.status_code, answer.json()['message']) == (400, reason)


def test_the_longest_sentence_and_a_review_longer_than_the_network_looks_at_are_answered(pages):
    assert ask_next(pages, 'the ' * 60)['perplexity'] > 1
    assert ask_language(pages, REVIEWS['German'] * 20) == 'German'


def test_both_are_warmed_up_and_announced_with_their_samples(pages):
    for name, page in pages.items():
        assert 'is not warmed up' not in page.log()
        [spec] = json.loads((EXAMPLES[name] / 'signature.json').read_text())['inputs']
        line = next(line for output in page.outputs for line in output.splitlines()
                    if 'curl ' in line and f'/{name}/predict' in line)
        assert json.loads(shlex.split(line)[-1].partition('=')[2]) == spec['sample']
        done = subprocess.run(shlex.split(line), check=True, capture_output=True, timeout=60)
        assert json.loads(done.stdout)['prediction']
