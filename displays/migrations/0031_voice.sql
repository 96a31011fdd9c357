-- How a hall sounds. A hall without a row sounds as the columns' defaults say.
CREATE TABLE voices (
    hall     integer PRIMARY KEY REFERENCES halls,
    langs    text[] NOT NULL DEFAULT '{zh-Hans}'    -- every call is said in these, in this order
        CONSTRAINT voice_speaks_known_languages CHECK (langs <@ '{zh-Hans,en,yue}' AND cardinality(langs) BETWEEN 1 AND 3),
    own_lang boolean NOT NULL DEFAULT true,         -- and in the ticket's own language, if that is another one
    hant     text NOT NULL DEFAULT 'zh-Hans'        -- the voice of whoever reads traditional characters
        CONSTRAINT voice_of_hant_is_chinese CHECK (hant IN ('zh-Hans', 'yue')),
    one      text NOT NULL DEFAULT '一' CONSTRAINT voice_says_yi_or_yao CHECK (one IN ('一', '幺')),  -- 1 in a ticket's number
    times    integer NOT NULL DEFAULT 2 CONSTRAINT voice_says_it_once_to_thrice CHECK (times BETWEEN 1 AND 3),
    chime    boolean NOT NULL DEFAULT true
);

-- From each of these times of the hall's day on it is so loud, in percent; 0 is silence. Without a row it is 100 all day.
CREATE TABLE voice_volumes (
    hall      integer NOT NULL REFERENCES halls,
    from_time time NOT NULL,
    volume    integer NOT NULL CONSTRAINT voice_volume_is_percent CHECK (volume BETWEEN 0 AND 100),
    CONSTRAINT voice_volume_once_a_time PRIMARY KEY (hall, from_time)
);

-- How this hall says what it writes: a number's letters ("prefix": LOVE is 爱心), a word with two readings ("reading").
CREATE TABLE voice_words (
    hall    integer NOT NULL REFERENCES halls,
    kind    text NOT NULL CONSTRAINT voice_word_kind CHECK (kind IN ('prefix', 'reading')),
    lang    text NOT NULL CONSTRAINT voice_word_language CHECK (lang IN ('zh-Hans', 'en', 'yue')),
    written text NOT NULL CONSTRAINT voice_word_written CHECK (length(written) BETWEEN 1 AND 20),
    spoken  text NOT NULL CONSTRAINT voice_word_spoken CHECK (length(spoken) BETWEEN 1 AND 80),
    CONSTRAINT voice_word_once PRIMARY KEY (hall, kind, lang, written)
);
