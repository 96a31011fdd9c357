-- What a hall records is stamped with the hall's time, which is the machine's own but in a rehearsal.
ALTER TABLE jobs ALTER owed_at SET DEFAULT hall_clock();
ALTER TABLE windows ALTER since SET DEFAULT hall_now();
ALTER TABLE presses ALTER at SET DEFAULT hall_now();
ALTER TABLE notices ALTER due SET DEFAULT hall_now(), ALTER at SET DEFAULT hall_now();
ALTER TABLE notice_contacts ALTER at SET DEFAULT hall_now();
ALTER TABLE notice_optouts ALTER at SET DEFAULT hall_now();
ALTER TABLE notice_erasures ALTER at SET DEFAULT hall_now();
