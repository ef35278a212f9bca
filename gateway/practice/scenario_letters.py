"""The letters of the demo: 13 to 19 April 2020 in the province of Lạng Sơn.

In charge of: the nine documents of the province (titles, numbers, days and recipients as in the sample
messages of this project), letters of departments, districts and communes that make every level send, and the
uploads that the gate refuses. Texts below the titles are invented. Not in charge of: making files of them
(``demo_letters``).
"""

from __future__ import annotations

from gateway.practice.scenario import MINISTRY, PROVINCE, YOURS, Attempt, Fault, Letter, at, code

OFFICIAL_LETTER, PLAN, DECISION, REPORT = "Công văn", "Kế hoạch", "Quyết định", "Báo cáo"
CITY, DISTRICT = "H37.31", "H37.32"

NINE = (
    Letter(
        PROVINCE,
        ("H37.01", "H37.03", "H37.05", CITY, DISTRICT),
        "362",
        "UBND-KGVX",
        OFFICIAL_LETTER,
        "V/v tiếp tục triển khai thực hiện các nhiệm vụ xây dựng Chính phủ điện tử, Chính quyền điện tử",
        (
            "Ủy ban nhân dân tỉnh yêu cầu các cơ quan, đơn vị gửi, nhận văn bản điện tử có ký số trên trục "
            "liên thông của tỉnh đối với mọi văn bản không thuộc danh mục bí mật nhà nước.",
            "Các cơ quan báo cáo kết quả thực hiện trước ngày 17 tháng 4 năm 2020.",
        ),
        at(13, 15, 30),
    ),
    Letter(
        PROVINCE,
        ("H37.03", "H37.07", "H37.20", CITY, DISTRICT),
        "365",
        "UBND-KTN",
        OFFICIAL_LETTER,
        "V/v tăng cường bảo đảm trật tự an toàn giao thông trong thời gian thực hiện cách ly toàn xã hội",
        (
            "Các lực lượng chức năng duy trì chốt kiểm soát tại cửa ngõ, hướng dẫn phương tiện chở hàng "
            "thiết yếu lưu thông an toàn.",
        ),
        at(13, 15, 35),
    ),
    Letter(
        PROVINCE,
        ("H37.09", "H37.13", CITY, DISTRICT),
        "373",
        "UBND-KTN",
        OFFICIAL_LETTER,
        "V/v tăng cường công tác chỉ đạo thành lập mới và hỗ trợ hợp tác xã nông nghiệp hoạt động có hiệu "
        "quả",
        ("Các địa phương rà soát nhu cầu thành lập hợp tác xã, bố trí cán bộ hướng dẫn thủ tục tại chỗ.",),
        at(14, 15, 30),
    ),
    Letter(
        PROVINCE,
        ("H37.07", CITY, DISTRICT),
        "67",
        "KH-UBND",
        PLAN,
        "Tổng rà soát, thống kê phương tiện vận tải và xe máy chuyên dùng trên địa bàn tỉnh Lạng Sơn",
        ("Thời gian rà soát từ ngày 15 đến ngày 25 tháng 4 năm 2020; báo cáo theo mẫu kèm theo.",),
        at(14, 15, 35),
    ),
    Letter(
        PROVINCE,
        ("H37.05", "H37.11", CITY, DISTRICT),
        "375",
        "UBND-KTN",
        OFFICIAL_LETTER,
        "V/v tăng cường thực hiện biện pháp quản lý chất thải để phòng, chống dịch Covid-19",
        ("Chất thải phát sinh tại khu cách ly được thu gom, xử lý như chất thải lây nhiễm.",),
        at(15, 15, 30),
    ),
    Letter(
        PROVINCE,
        ("H37.03", "H37.05", CITY, DISTRICT),
        "384",
        "UBND-KGVX",
        OFFICIAL_LETTER,
        "V/v tiếp tục thực hiện nghiêm túc các biện pháp phòng, chống dịch Covid-19",
        ("Người dân đeo khẩu trang nơi công cộng, giữ khoảng cách, khai báo y tế theo quy định.",),
        at(17, 15, 30),
        urgency=1,
    ),
    Letter(
        PROVINCE,
        (DISTRICT,),
        "47",
        "KH/ĐGS",
        PLAN,
        "Giám sát chuyên đề về công tác tuyển dụng công chức, viên chức cấp huyện và công chức cấp xã giai "
        "đoạn 2018 - 2019",
        ("Đoàn giám sát làm việc tại trụ sở Ủy ban nhân dân huyện; đề cương báo cáo tại phụ lục.",),
        at(17, 15, 35),
    ),
    Letter(
        PROVINCE,
        (CITY, "H37.31.21"),
        "665",
        "QĐ-UBND",
        DECISION,
        "Phê duyệt điều chỉnh cục bộ quy hoạch chi tiết phường Tam Thanh, thành phố Lạng Sơn, tỷ lệ 1/500",
        ("Điều 1. Phê duyệt điều chỉnh cục bộ quy hoạch theo hồ sơ kèm theo.", "Điều 2. Tổ chức thực hiện."),
        at(18, 15, 30),
    ),
    Letter(
        PROVINCE,
        ("H37.05",),
        "666",
        "QĐ-UBND",
        DECISION,
        "Bổ nhiệm chức vụ Phó Giám đốc Sở Y tế tỉnh Lạng Sơn",
        ("Điều 1. Bổ nhiệm Phó Giám đốc Sở Y tế.", "Điều 2. Quyết định có hiệu lực từ ngày ký."),
        at(18, 15, 35),
    ),
)

OTHERS = (
    Letter(
        code(CITY),
        ("H37.31.21", "H37.31.22", "H37.31.26"),
        "512",
        "UBND-VP",
        OFFICIAL_LETTER,
        "V/v triển khai Công văn số 365/UBND-KTN về bảo đảm trật tự an toàn giao thông",
        ("Ủy ban nhân dân các phường, xã phân công trực chốt và báo cáo hằng ngày.",),
        at(14, 9, 20),
        answers="365/UBND-KTN",
    ),
    Letter(
        code("H37.31.21"),
        (CITY,),
        "27",
        "BC-UBND",
        REPORT,
        "Kết quả tuyên truyền, tuần tra kiểm soát việc thực hiện cách ly xã hội trên địa bàn phường "
        "Tam Thanh",
        ("Phường đã tổ chức 12 lượt tuần tra, nhắc nhở 35 trường hợp, không có trường hợp phải xử phạt.",),
        at(15, 10, 0),
        answers="512/UBND-VP",
    ),
    Letter(
        code("H37.32.22"),
        ("H37.32.23", DISTRICT),
        "31",
        "UBND",
        OFFICIAL_LETTER,
        "V/v phối hợp kiểm soát người và phương tiện qua địa bàn giáp ranh hai xã",
        ("Đề nghị Ủy ban nhân dân xã Đồng Tân cùng bố trí lực lượng trực tại khu vực giáp ranh.",),
        at(15, 14, 5),
        urgency=1,
    ),
    Letter(
        code("H37.32.23"),
        ("H37.32.22",),
        "19",
        "UBND",
        OFFICIAL_LETTER,
        "V/v thống nhất phương án phối hợp tại chốt kiểm soát giáp ranh",
        ("Ủy ban nhân dân xã Đồng Tân thống nhất phương án, cử 04 dân quân trực luân phiên.",),
        at(16, 8, 40),
        answers="31/UBND",
    ),
    Letter(
        code("H37.05"),
        ("H37", CITY, DISTRICT),
        "68",
        "BC-SYT",
        REPORT,
        "Tình hình và kết quả công tác phòng, chống dịch Covid-19 đến ngày 15 tháng 4 năm 2020",
        ("Toàn tỉnh chưa ghi nhận ca mắc; các khu cách ly bảo đảm vật tư trong 30 ngày.",),
        at(16, 10, 15),
        urgency=2,
    ),
    Letter(
        code("H37.03"),
        ("H37.01", "H37.05", DISTRICT),
        "415",
        "STTTT-CNTT",
        OFFICIAL_LETTER,
        "V/v rà soát mã định danh và kết nối gửi, nhận văn bản điện tử",
        ("Các cơ quan đối chiếu mã định danh trong phần mềm với danh mục của tỉnh, báo lại khi sai khác.",),
        at(16, 15, 5),
        answers="362/UBND-KGVX",
        sealed=True,
    ),
    Letter(
        code(DISTRICT),
        ("H37", "H37.07"),
        "142",
        "BC-UBND",
        REPORT,
        "Kết quả bước đầu tổng rà soát phương tiện vận tải trên địa bàn huyện Hữu Lũng",
        ("Huyện đã rà soát 21/24 xã, thị trấn; các xã còn lại hoàn thành trước ngày 22 tháng 4.",),
        at(17, 9, 0),
        answers="67/KH-UBND",
    ),
    Letter(
        code("H37.31.22"),
        ("H37.31.21",),
        "44",
        "UBND-VP",
        OFFICIAL_LETTER,
        "V/v phối hợp phân luồng giao thông trên tuyến đường giáp ranh hai phường",
        ("Đề nghị phường Tam Thanh phối hợp phân luồng trong khung giờ 6 đến 8 giờ.",),
        at(17, 10, 30),
    ),
)

BEYOND = (  # over the national axis: one down, one up
    Letter(
        MINISTRY,
        ("H37", "H37.13"),
        "118",
        "CTM-HTDL",
        OFFICIAL_LETTER,
        "V/v báo cáo tình hình kết nối, liên thông văn bản điện tử quý I năm 2020",
        ("Đề nghị Ủy ban nhân dân tỉnh gửi báo cáo qua trục liên thông trước ngày 20 tháng 4 năm 2020.",),
        at(14, 10, 5),
    ),
    Letter(
        code("H37.13"),
        (MINISTRY, "H37"),
        "88",
        "BC-SKHĐT",
        REPORT,
        "Tình hình bố trí vốn cho kết nối, liên thông văn bản điện tử quý I năm 2020",
        ("Kinh phí đã bố trí cho 100% cơ quan cấp tỉnh; cấp huyện đạt 80%.",),
        at(16, 9, 25),
        answers="118/CTM-HTDL",
    ),
)
RECALLED = (  # one of its recipients has not come for it when it is asked back
    Letter(
        PROVINCE,
        ("H37.01", "H37.20", YOURS),
        "380",
        "UBND-TH",
        OFFICIAL_LETTER,
        "V/v mời họp trực tuyến đánh giá tình hình gửi, nhận văn bản điện tử",
        ("Thời gian: 14 giờ 00 ngày 31 tháng 4 năm 2020.",),
        at(16, 9, 50),
    ),
)

AT_THE_GATE = (
    Attempt(
        Fault.CONFLICT,
        Letter(
            PROVINCE,
            (CITY,),
            "362",
            "UBND-KGVX",
            OFFICIAL_LETTER,
            "V/v thay đổi thời hạn báo cáo về Chính quyền điện tử",
            ("Thời hạn báo cáo là ngày 20 tháng 4 năm 2020.",),
            at(13, 16, 50),
        ),
    ),
    Attempt(
        Fault.TAMPERED,
        Letter(
            code("H37.03"),
            ("H37.01",),
            "414",
            "STTTT-VP",
            OFFICIAL_LETTER,
            "V/v mời họp trực tuyến về gửi, nhận văn bản điện tử",
            ("Thời gian: 8 giờ 00 ngày 20 tháng 4 năm 2020.",),
            at(16, 14, 40),
            sealed=True,
        ),
    ),
    Attempt(
        Fault.UNKNOWN_RECIPIENT,
        Letter(
            code("H37.31.22"),
            ("H37.31.21", "H37.31.99"),
            "45",
            "UBND-VP",
            OFFICIAL_LETTER,
            "V/v phối hợp thu gom rác thải trên tuyến đường giáp ranh",
            ("Đề nghị các phường phối hợp thực hiện.",),
            at(17, 10, 45),
        ),
    ),
    Attempt(
        Fault.SECRET,
        Letter(
            code(DISTRICT),
            ("H37",),
            "09",
            "BC-UBND",
            REPORT,
            "Tình hình an ninh, trật tự tháng 4 (MẬT)",
            ("Văn bản thử nghiệm: dấu chỉ độ mật được thêm vào để xem trục từ chối.",),
            at(17, 11, 0),
        ),
    ),
)
LETTERS = NINE + OTHERS + BEYOND + RECALLED
YOUR_LETTER = Letter(  # not sent by the demo: it lies ready for whoever looks at it
    YOURS,
    (CITY, "H37.05"),
    "01",
    "UBND-VP",
    OFFICIAL_LETTER,
    "V/v gửi thử văn bản qua trục liên thông của tỉnh",
    ("Văn bản này do người xem bản trình diễn tự gửi.",),
    at(18, 16, 40),
)
