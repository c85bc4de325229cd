-- functions --
-- What the gate asks of the functions of a branch as of its last analysis, each with one that is nearly the same code.
SELECT a.file_path, f.function_name, f.qualified_name, f.function_signature, f.start_line, f.end_line, f.lines_of_code,
       f.cyclomatic, f.cognitive, encode(f.code_hash, 'hex'), twin.qualified_name, twin.file_path, twin.start_line
FROM agentforge.functions AS f
JOIN agentforge.file_analyses AS a ON a.id = f.file_analysis_id
LEFT JOIN LATERAL (
    SELECT g.qualified_name, b.file_path, g.start_line
    FROM (
        SELECT d.other_function_id AS id, d.score FROM agentforge.function_duplicates AS d WHERE d.function_id = f.id
        UNION ALL
        SELECT d.function_id, d.score FROM agentforge.function_duplicates AS d WHERE d.other_function_id = f.id
    ) AS pair
    JOIN agentforge.functions AS g ON g.id = pair.id
    JOIN agentforge.file_analyses AS b ON b.id = g.file_analysis_id
    WHERE %(with_copies)s AND b.branch = %(branch)s
    ORDER BY pair.score DESC, pair.id LIMIT 1
) AS twin ON true
WHERE f.project_id = %(project_id)s AND a.branch = %(branch)s
ORDER BY f.id;

-- default_branch --
SELECT default_branch FROM agentforge.projects WHERE id = %(project_id)s;
