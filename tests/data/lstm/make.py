"""Trains two LSTM language models with Keras on the lines below, as tutorials do, and writes what Keras computes with them.

usage: python make.py        with keras 3.15, jax, h5py and numpy installed

padded.h5, padded.words.json: a fixed input length, zeros in front, without mask_zero; two layers; a tokenizer that drops unknown words.
masked.keras, masked.words.json: mask_zero, hard_sigmoid, no biases in the layers; a tokenizer with oov_token and num_words.
padded, masked: the folders that tools/convert/lstm.py makes of them. expected.json: ids of texts, probabilities of the next word,
and the words that the usual loop (pad, predict, argmax) appends.
"""
import json
import os
import subprocess
import sys

os.environ["KERAS_BACKEND"] = "jax"
import keras  # noqa: E402
import numpy as np  # noqa: E402
from keras import layers  # noqa: E402
from keras.src.legacy.preprocessing.text import Tokenizer  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
CONVERT = os.path.join(HERE, "..", "..", "..", "tools", "convert", "lstm.py")
LINES = """The kettle sings before the rain begins.
The rain begins when the kettle is full.
A full cup waits on the window sill.
The window sill is warm in the morning sun.
In the morning sun the tea leaves open slowly.
The tea leaves open when the water is hot.
Hot water turns to gold in a white cup.
A white cup keeps the taste of spring.
The taste of spring is green and light.
Green and light, the morning fills the room.
Don't pour the tea before the leaves open!
The room is quiet when the kettle sings.""".split("\n")
TEXTS = ["The kettle sings", "A FULL cup -- waits", "don't pour\tthe tea!", "The elephant keeps the taste", "", "in_the (morning) sun...",
         "leaves open\nwhen zebras sing", "the the the"]
PROMPTS = ["The kettle", "A full cup", "In the morning", "The taste of", "Don't pour the"]
N_NEW = 9


def train(name, make, tokenizer, length, epochs):
    sequences = []
    for ids in tokenizer.texts_to_sequences(LINES):
        sequences += [ids[:i] for i in range(2, len(ids) + 1)]
    x = np.array([[0] * (length + 1 - len(s)) + s for s in sequences])
    model = make()
    model.compile(loss="sparse_categorical_crossentropy", optimizer=keras.optimizers.Adam(0.02))
    model.fit(x[:, :-1], x[:, -1], epochs=epochs, verbose=0)
    plain = make()  # without the optimizer's state, which the files would hold, too
    plain.set_weights(model.get_weights())
    return plain


def input_of(ids, length):
    """What the usual loop gives the model: all ids, or for a fixed length the last ones behind zeros."""
    return np.array([([0] * length + ids)[-length:] if length else ids])


def expected(model, tokenizer, length):
    cases = {"ids": [], "next": [], "generate": []}
    for text in TEXTS:
        cases["ids"].append([text, tokenizer.texts_to_sequences([text])[0]])
    for text in PROMPTS:
        ids = tokenizer.texts_to_sequences([text])[0]
        p = model.predict(input_of(ids, length), verbose=0)[0]
        cases["next"].append([list(ids), [float("%.7g" % x) for x in p]])
        words = []
        for _ in range(N_NEW):
            ids.append(int(model.predict(input_of(ids, length), verbose=0)[0].argmax()))
            words.append(tokenizer.index_word[ids[-1]])
        cases["generate"].append([text, " ".join(words)])
    return cases


def save(name, model, file, tokenizer, *arguments):
    path, words = os.path.join(HERE, file), os.path.join(HERE, name + ".words.json")
    model.save(path)
    with open(words, "w", encoding="utf-8") as f:
        f.write(tokenizer.to_json())
    subprocess.run([sys.executable, CONVERT, path, "--tokenizer", words, "--out", os.path.join(HERE, name), *arguments], check=True)


def main():
    keras.utils.set_random_seed(11)
    plain, limited = Tokenizer(), Tokenizer(num_words=40, oov_token="<OOV>")
    plain.fit_on_texts(LINES)
    limited.fit_on_texts(LINES)
    length, vocab = max(len(s) for s in plain.texts_to_sequences(LINES)) - 1, len(plain.word_index) + 1
    two = train("padded", lambda: keras.Sequential([
        keras.Input((length,)), layers.Embedding(vocab, 12), layers.LSTM(24, return_sequences=True), layers.Dropout(0.1),
        layers.LSTM(16), layers.Dense(vocab, activation="softmax")]), plain, length, 150)
    one = train("masked", lambda: keras.Sequential([
        keras.Input((None,)), layers.Embedding(40, 10, mask_zero=True),
        layers.LSTM(20, recurrent_activation="hard_sigmoid", use_bias=False), layers.Dense(40, activation="softmax")]),
        limited, length, 120)
    save("padded", two, "padded.h5", plain)
    save("masked", one, "masked.keras", limited)
    with open(os.path.join(HERE, "expected.json"), "w", encoding="utf-8") as f:
        json.dump({"padded": expected(two, plain, length), "masked": expected(one, limited, None)}, f, ensure_ascii=False)


main()
