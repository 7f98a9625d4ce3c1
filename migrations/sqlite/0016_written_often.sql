-- Every step of a job that knocks at somebody's door wrote it. What is over is listed along job_done_newest and job_dead,
-- and of what is not over there is little enough to be sorted.

DROP INDEX job_newest;
